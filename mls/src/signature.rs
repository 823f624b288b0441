//! Ed25519 for what is signed outside MLS: the implementation that MLS itself uses here.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::failure::{attached, refused};

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct SignaturePublicKey(VerifyingKey);

#[pymethods]
impl SignaturePublicKey {
    #[new]
    fn new(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        attached(py, || {
            let bytes = data
                .try_into()
                .map_err(|_| refused("bad-signature-key", "the key is not 32 bytes"))?;
            VerifyingKey::from_bytes(bytes)
                .map(Self)
                .map_err(|_| refused("bad-signature-key", "the key is no point of the curve"))
        })
    }

    /// The GIL stays: to let go of it costs more than what another thread would win.
    fn verifies(&self, signature: &[u8], message: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|given| self.0.verify_strict(message, &given).is_ok())
    }
}

/// See the .pyi. The seed is zeroed when the object goes.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct SignatureSecretKey(SigningKey);

#[pymethods]
impl SignatureSecretKey {
    #[new]
    fn new(py: Python<'_>, seed: &[u8]) -> PyResult<Self> {
        attached(py, || {
            let seed: Zeroizing<[u8; 32]> = Zeroizing::new(
                seed.try_into()
                    .map_err(|_| refused("bad-signature-key", "the seed is not 32 bytes"))?,
            );
            Ok(Self(SigningKey::from_bytes(&seed)))
        })
    }

    #[getter]
    fn public<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.verifying_key().as_bytes())
    }

    fn sign<'py>(&self, py: Python<'py>, message: &[u8]) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.sign(message).to_bytes())
    }
}
