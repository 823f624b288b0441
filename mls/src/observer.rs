//! A group as the server follows it: public state only.

use std::sync::{Arc, Mutex};

use mls_rs::extension::built_in::ExternalPubExt;
use mls_rs::external_client::builder::{
    ExternalBaseConfig, WithCryptoProvider, WithIdentityProvider, WithMlsRules,
};
use mls_rs::external_client::{
    ExternalClient, ExternalGroup, ExternalReceivedMessage, ExternalSnapshot,
};
use mls_rs::group::Sender;
use mls_rs::time::MlsTime;
use mls_rs::{MlsMessageDescription, WireFormat};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::client::decode_tree;
use crate::failure::{attached, detached, lock, refused, Outcome};
use crate::hooks::{Hooks, Identity};
use crate::limits::{at_most, time, CONTEXT_EXTENSION, MAX_MEMBERS, MAX_STATE};
use crate::live::wish_to_leave;
use crate::messages::reference_of;
use crate::results::KeyPackageInfo;
use crate::rules::{context_allowed, context_data, Rules};
use crate::suite::{crypto, decode, SUITE};
use crate::views::{leaves, member_list, Commit, Leaf, Proposal};

type Config = WithMlsRules<
    Rules,
    WithIdentityProvider<Identity, WithCryptoProvider<RustCryptoProvider, ExternalBaseConfig>>,
>;

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct ObserverClient(Arc<Hooks>);

impl ObserverClient {
    fn client(&self) -> ExternalClient<Config> {
        ExternalClient::builder()
            .crypto_provider(crypto())
            .identity_provider(Identity(self.0.clone()))
            .mls_rules(Rules::new(self.0.clone(), true))
            .extension_type(CONTEXT_EXTENSION.into())
            .cache_proposals(true)
            .build()
    }

    fn begin(&self, group_info: &[u8], tree: &[u8]) -> Outcome<Observer> {
        let info = decode(group_info)?;
        let tree = decode_tree(tree)?;
        let group = self.client().observe_group(info, Some(tree), None)?;
        context_allowed(&group.group_context().extensions)?;
        if group.roster().member_identities_iter().count() > MAX_MEMBERS {
            return Err(refused("too-many-members", "the group is too large"));
        }
        Ok(Observer(Mutex::new(group)))
    }

    fn resume(&self, snapshot: &[u8], tree: &[u8]) -> Outcome<Observer> {
        at_most("snapshot", snapshot.len(), MAX_STATE)?;
        let snapshot = ExternalSnapshot::from_bytes(snapshot)?;
        let tree = decode_tree(tree)?;
        let group = self.client().load_group_with_ratchet_tree(snapshot, tree)?;
        Ok(Observer(Mutex::new(group)))
    }

    fn judge_key_package(&self, bytes: &[u8], now: MlsTime) -> Outcome<KeyPackageInfo> {
        let message = decode(bytes)?;
        let reference = reference_of(&message)?;
        let package = self.client().validate_key_package(message, Some(now))?;
        if package.cipher_suite() != SUITE {
            return Err(refused("unsupported-suite", "the suite is not 0x0001"));
        }
        Ok(KeyPackageInfo {
            reference,
            leaf: Leaf::new(0, package.signing_identity())?,
            not_after: package.expiration()?.seconds_since_epoch(),
        })
    }
}

#[pymethods]
impl ObserverClient {
    #[new]
    fn new(identity_check: Py<PyAny>, commit_check: Py<PyAny>) -> Self {
        Self(Hooks::new(identity_check, commit_check))
    }

    fn observe(
        &self,
        py: Python<'_>,
        group_info: &[u8],
        ratchet_tree: &[u8],
    ) -> PyResult<Observer> {
        detached(py, || self.begin(group_info, ratchet_tree))
    }

    fn load(&self, py: Python<'_>, snapshot: &[u8], ratchet_tree: &[u8]) -> PyResult<Observer> {
        detached(py, || self.resume(snapshot, ratchet_tree))
    }

    fn validate_key_package(
        &self,
        py: Python<'_>,
        message: &[u8],
        now: u64,
    ) -> PyResult<KeyPackageInfo> {
        detached(py, || self.judge_key_package(message, time(now)?))
    }
}

/// Where a staged state began: an epoch of one history, and the wishes to leave that it knew.
#[derive(PartialEq)]
struct Base {
    group_id: Vec<u8>,
    epoch: u64,
    transcript: Vec<u8>,
    wishes: usize,
}

impl Base {
    fn of(group: &ExternalGroup<Config>) -> Self {
        let context = group.group_context();
        Self {
            group_id: context.group_id.clone(),
            epoch: context.epoch,
            transcript: group.transcript_hash().clone(),
            wishes: group.get_cached_proposals().len(),
        }
    }
}

enum Event {
    Commit(Commit),
    Proposal(Proposal),
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct StagedCommit {
    base: Base,
    event: Event,
    next: Mutex<ExternalGroup<Config>>,
}

#[pymethods]
impl StagedCommit {
    #[getter]
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match &self.event {
            Event::Commit(commit) => Bound::new(py, commit.clone())?.into_any(),
            Event::Proposal(proposal) => Bound::new(py, proposal.clone())?.into_any(),
        })
    }

    #[getter]
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = detached(py, || snapshot(&mut *lock(&self.next)?))?;
        Ok(PyBytes::new(py, &snapshot))
    }

    #[getter]
    fn ratchet_tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let tree = detached(py, || Ok(lock(&self.next)?.export_tree()?))?;
        Ok(PyBytes::new(py, &tree))
    }

    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(lock(&self.next)?.group_context().epoch))
    }
}

fn snapshot(group: &mut ExternalGroup<Config>) -> Outcome<Vec<u8>> {
    Ok(group.snapshot_without_ratchet_tree().to_bytes()?)
}

fn stage(group: &ExternalGroup<Config>, bytes: &[u8], now: MlsTime) -> Outcome<StagedCommit> {
    let message = decode(bytes)?;
    match message.description() {
        MlsMessageDescription::PublicProtocolMessage { sender, .. } => {
            if !matches!(sender, Sender::Member(_) | Sender::NewMemberCommit) {
                return Err(refused("proposal-refused", "only members propose here"));
            }
        }
        _ => return Err(refused("unexpected-message", "this is not a PublicMessage")),
    }
    let path = message.commit_path_leaf_node().is_some();
    let base = Base::of(group);
    let mut next = group.clone();
    let event = match next.process_incoming_message_with_time(message, now)? {
        ExternalReceivedMessage::Commit(description) => {
            let tree = next.exported_tree();
            let extensions = &next.group_context().extensions;
            Event::Commit(Commit::new(&description, &tree, extensions, path)?)
        }
        ExternalReceivedMessage::Proposal(description) => {
            let cached = next.get_cached_proposals();
            let senders: Vec<Sender> = cached.iter().map(|proposal| *proposal.sender()).collect();
            Event::Proposal(wish_to_leave(description, &senders, true)?)
        }
        _ => return Err(refused("unexpected-message", "not a handshake message")),
    };
    Ok(StagedCommit {
        base,
        event,
        next: Mutex::new(next),
    })
}

fn check_group_info(group: &ExternalGroup<Config>, bytes: &[u8]) -> Outcome<()> {
    let message = decode(bytes)?;
    if message.wire_format() != WireFormat::GroupInfo {
        return Err(refused("unexpected-message", "this is not a GroupInfo"));
    }
    let allows = match message.as_group_info() {
        Some(info) => info.extensions().get_as::<ExternalPubExt>(),
        None => Ok(None),
    };
    if !matches!(allows, Ok(Some(_))) {
        return Err(refused("no-external-pub", "it allows no external commit"));
    }
    // The crate checks signature, context and confirmation tag against the group's own.
    let mut copy = group.clone();
    copy.process_incoming_message(message)?;
    Ok(())
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct Observer(Mutex<ExternalGroup<Config>>);

#[pymethods]
impl Observer {
    #[getter]
    fn group_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        attached(py, || {
            let group = lock(&self.0)?;
            Ok(PyBytes::new(py, &group.group_context().group_id))
        })
    }

    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        attached(py, || Ok(lock(&self.0)?.group_context().epoch))
    }

    #[getter]
    fn context_data<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        attached(py, || {
            let data = context_data(&lock(&self.0)?.group_context().extensions);
            Ok(data.map(|data| PyBytes::new(py, &data)))
        })
    }

    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let members = attached(py, || leaves(&lock(&self.0)?.exported_tree()))?;
        member_list(py, &members)
    }

    fn member_count(&self, py: Python<'_>) -> PyResult<usize> {
        attached(py, || {
            Ok(lock(&self.0)?.roster().member_identities_iter().count())
        })
    }

    fn ratchet_tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let tree = detached(py, || Ok(lock(&self.0)?.export_tree()?))?;
        Ok(PyBytes::new(py, &tree))
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = detached(py, || snapshot(&mut *lock(&self.0)?))?;
        Ok(PyBytes::new(py, &snapshot))
    }

    fn stage(&self, py: Python<'_>, message: &[u8], now: u64) -> PyResult<StagedCommit> {
        detached(py, || stage(&*lock(&self.0)?, message, time(now)?))
    }

    fn accept(&self, py: Python<'_>, staged: &StagedCommit) -> PyResult<()> {
        attached(py, || {
            let mut group = lock(&self.0)?;
            let next = lock(&staged.next)?;
            if Base::of(&group) != staged.base {
                return Err(refused(
                    "wrong-epoch",
                    "another message was accepted since this one was staged",
                ));
            }
            *group = next.clone();
            Ok(())
        })
    }

    fn check_group_info(&self, py: Python<'_>, group_info: &[u8]) -> PyResult<()> {
        detached(py, || check_group_info(&*lock(&self.0)?, group_info))
    }
}
