//! One exception class, stable codes, and no panic that crosses into Python.

use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard, TryLockError};

use mls_rs::error::{AnyError, IntoAnyError, MlsError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Why something was refused, before Python sees it.
#[derive(Debug)]
pub enum Failure {
    /// The crate refused.
    Mls(Box<MlsError>),
    /// We refused.
    Refused(&'static str, String),
    /// A hook raised; its exception travels unchanged.
    Raised(PyErr),
}

/// The result of everything that can be refused.
pub type Outcome<T> = Result<T, Failure>;

/// A refusal of our own.
pub fn refused(code: &'static str, message: impl Into<String>) -> Failure {
    Failure::Refused(code, message.into())
}

impl From<MlsError> for Failure {
    fn from(error: MlsError) -> Self {
        Failure::Mls(Box::new(error))
    }
}

impl From<mls_rs::mls_rs_codec::Error> for Failure {
    fn from(_: mls_rs::mls_rs_codec::Error) -> Self {
        refused("malformed", "these bytes are not in MLS form")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Mls(error) => write!(out, "{error}"),
            Failure::Refused(code, message) => write!(out, "{code}: {message}"),
            Failure::Raised(_) => write!(out, "a hook refused"),
        }
    }
}

impl std::error::Error for Failure {}

// Hooks and rules answer the crate with a Failure; it comes back to us inside an AnyError.
impl IntoAnyError for Failure {
    fn into_dyn_error(self) -> Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        Ok(Box::new(self))
    }
}

/// The Python class `MlsError`.
pub fn error_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    // Defined in Python: under abi3-py311 a native class cannot derive from Exception.
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "doublelock_mls._errors", "MlsError")
}

impl Failure {
    /// The exception to raise.
    pub fn into_error(self, py: Python<'_>) -> PyErr {
        let (code, message) = match self {
            Failure::Raised(error) => return error,
            Failure::Refused(code, message) => (code.to_owned(), message),
            Failure::Mls(error) => match hook_failure(&error) {
                Some(Failure::Raised(error)) => return error.clone_ref(py),
                Some(Failure::Refused(code, message)) => ((*code).to_owned(), message.clone()),
                _ => (code_of(&error), describe(&error)),
            },
        };
        match error_class(py).and_then(|class| class.call1((code, message))) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    }
}

fn hook_failure(error: &MlsError) -> Option<&Failure> {
    let inner: &AnyError = match error {
        MlsError::IdentityProviderError(inner) | MlsError::MlsRulesError(inner) => inner,
        _ => return None,
    };
    inner.inner_dyn_error().downcast_ref::<Failure>()
}

/// The codes that callers act upon are named here; the rest follow the crate's own names.
fn code_of(error: &MlsError) -> String {
    let code = match error {
        MlsError::SerializationError(_) | MlsError::ExtensionError(_) => "malformed",
        MlsError::InvalidEpoch => "wrong-epoch",
        MlsError::EpochNotFound => "epoch-gone",
        MlsError::KeyMissing(_) => "key-used",
        MlsError::InvalidFutureGeneration(_) => "generation-too-far",
        MlsError::CantProcessMessageFromSelf => "own-message",
        MlsError::GroupIdMismatch => "wrong-group",
        MlsError::CommitRequired => "commit-required",
        MlsError::ExistingPendingCommit => "commit-pending",
        MlsError::PendingCommitNotFound => "no-pending-commit",
        MlsError::CryptoProviderError(_) => "decryption-failed",
        MlsError::InvalidLifetime { .. } => "invalid-lifetime",
        MlsError::WelcomeKeyPackageNotFound => "no-key-package",
        MlsError::TreeHashMismatch => "tree-mismatch",
        MlsError::IdentityProviderError(_) => "identity-refused",
        MlsError::MlsRulesError(_) => "commit-refused",
        MlsError::UnsupportedCipherSuite(_) => "unsupported-suite",
        MlsError::UnexpectedMessageType => "unexpected-message",
        other => return kebab(&format!("{other:?}")),
    };
    code.to_owned()
}

fn kebab(debug: &str) -> String {
    let mut code = String::new();
    for letter in debug.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

fn describe(error: &MlsError) -> String {
    match error {
        // What a provider says is for its own developers, not for people.
        MlsError::CryptoProviderError(_) => "a cryptographic check failed".to_owned(),
        MlsError::SerializationError(_) | MlsError::ExtensionError(_) => {
            "these bytes are not in MLS form".to_owned()
        }
        other => other.to_string(),
    }
}

/// Runs `work` without the GIL; a panic becomes `MlsError("internal")`.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Outcome<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work))
        .map_err(|failure| failure.into_error(py))
}

/// Runs brief `work` with the GIL held.
pub fn attached<T>(py: Python<'_>, work: impl FnOnce() -> Outcome<T>) -> PyResult<T> {
    caught(work).map_err(|failure| failure.into_error(py))
}

fn caught<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(refused(
            "internal",
            "the MLS library failed; load the group again from what was stored",
        ))
    })
}

/// Locks without waiting: waiting here could be waiting for our own hook.
pub fn lock<T>(mutex: &Mutex<T>) -> Outcome<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Ok(guard),
        Err(TryLockError::WouldBlock) => Err(refused(
            "group-busy",
            "another call on this group has not returned yet",
        )),
        Err(TryLockError::Poisoned(_)) => Err(refused(
            "internal",
            "the MLS library failed; load the group again from what was stored",
        )),
    }
}
