//! The two Python callables, and the crate's identity provider over one of them.

use std::sync::Arc;

use mls_rs::identity::{CredentialType, SigningIdentity};
use mls_rs::time::MlsTime;
use mls_rs::{ExtensionList, IdentityProvider};
use mls_rs_core::identity::MemberValidationContext;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::{refused, Failure, Outcome};
use crate::suite::credential_of;
use crate::views::CommitView;

/// What Python decides.
pub struct Hooks {
    identity_check: Py<PyAny>,
    commit_check: Py<PyAny>,
}

impl Hooks {
    /// Both callables.
    pub fn new(identity_check: Py<PyAny>, commit_check: Py<PyAny>) -> Arc<Self> {
        Arc::new(Self {
            identity_check,
            commit_check,
        })
    }

    fn identity(&self, identity: &SigningIdentity, context: &str) -> Outcome<()> {
        let credential = credential_of(identity)?;
        let key: &[u8] = identity.signature_key.as_ref();
        if key.len() != 32 {
            return Err(refused(
                "identity-refused",
                "the signature key is not Ed25519",
            ));
        }
        Python::attach(|py| {
            let arguments = (PyBytes::new(py, credential), PyBytes::new(py, key), context);
            self.identity_check.call1(py, arguments).map(drop)
        })
        .map_err(Failure::Raised)
    }

    /// Shows a commit to Python.
    pub fn commit(&self, view: CommitView) -> Outcome<()> {
        Python::attach(|py| self.commit_check.call1(py, (view,)).map(drop)).map_err(Failure::Raised)
    }
}

/// Who may hold a leaf: basic credentials that the identity check lets pass.
#[derive(Clone)]
pub struct Identity(pub Arc<Hooks>);

impl IdentityProvider for Identity {
    type Error = Failure;

    fn validate_member(
        &self,
        identity: &SigningIdentity,
        _timestamp: Option<MlsTime>,
        context: MemberValidationContext<'_>,
    ) -> Result<(), Failure> {
        let context = match context {
            MemberValidationContext::ForCommit { .. } => "commit",
            MemberValidationContext::ForNewGroup { .. } => "new-group",
            _ => "key-package",
        };
        self.0.identity(identity, context)
    }

    fn validate_external_sender(
        &self,
        _identity: &SigningIdentity,
        _timestamp: Option<MlsTime>,
        _extensions: Option<&ExtensionList>,
    ) -> Result<(), Failure> {
        Err(refused(
            "identity-refused",
            "external senders are not allowed",
        ))
    }

    fn identity(
        &self,
        identity: &SigningIdentity,
        _extensions: &ExtensionList,
    ) -> Result<Vec<u8>, Failure> {
        Ok(credential_of(identity)?.to_vec())
    }

    fn valid_successor(
        &self,
        predecessor: &SigningIdentity,
        successor: &SigningIdentity,
        _extensions: &ExtensionList,
    ) -> Result<bool, Failure> {
        Ok(credential_of(predecessor)? == credential_of(successor)?)
    }

    fn supported_types(&self) -> Vec<CredentialType> {
        vec![CredentialType::BASIC]
    }
}
