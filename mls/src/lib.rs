//! A thin Python binding over mls-rs. What everything does is said in
//! `python/doublelock_mls/__init__.pyi`; here it says how and why.

mod client;
mod failure;
mod group;
mod hooks;
mod limits;
mod live;
mod messages;
mod observer;
mod results;
mod rules;
mod signature;
mod skips;
mod stores;
mod suite;
mod views;

use pyo3::prelude::*;

/// The compiled half of the package `doublelock_mls`.
#[pymodule]
mod _doublelock_mls {
    #[pymodule_export]
    use super::client::Client;
    #[pymodule_export]
    use super::group::Group;
    #[pymodule_export]
    use super::messages::{import_key_package, inspect_message, signature_public_key};
    #[pymodule_export]
    use super::observer::{Observer, ObserverClient, StagedCommit};
    #[pymodule_export]
    use super::results::{
        Encrypted, KeyPackage, KeyPackageInfo, MessageInfo, PendingCommit, StateChange,
    };
    #[pymodule_export]
    use super::signature::{SignaturePublicKey, SignatureSecretKey};
    #[pymodule_export]
    use super::views::{Application, Commit, CommitView, Member, Proposal, ProposalView};

    use super::limits;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("MAX_MEMBERS", limits::MAX_MEMBERS)?;
        module.add("MAX_CREDENTIAL", limits::MAX_CREDENTIAL)?;
        module.add("MAX_CONTEXT_DATA", limits::MAX_CONTEXT_DATA)?;
        module.add("MAX_PLAINTEXT", limits::MAX_PLAINTEXT)?;
        module.add("MAX_MESSAGE", limits::MAX_MESSAGE)?;
        module.add("MAX_TREE", limits::MAX_TREE)?;
        module.add("MAX_STATE", limits::MAX_STATE)?;
        module.add("MAX_GENERATION_SKIP", limits::MAX_GENERATION_SKIP)?;
        module.add("CONTEXT_EXTENSION", limits::CONTEXT_EXTENSION)?;
        let error = super::failure::error_class(module.py())?;
        module.add("MlsError", error)
    }
}
