//! What calls give back for the vault and the wire: frozen values without behaviour.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::views::{bytes, maybe, Leaf};

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct Encrypted {
    pub ciphertext: Vec<u8>,
    #[pyo3(get)]
    pub epoch: u64,
    #[pyo3(get)]
    pub generation: u32,
}

#[pymethods]
impl Encrypted {
    #[getter]
    fn ciphertext<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.ciphertext)
    }
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct StateChange {
    pub group_id: Vec<u8>,
    #[pyo3(get)]
    pub epoch: u64,
    pub state: Zeroizing<Vec<u8>>,
    pub tree: Option<Vec<u8>>,
    pub epochs: Vec<(u64, Zeroizing<Vec<u8>>)>,
    #[pyo3(get)]
    pub drop_epochs_below: u64,
}

#[pymethods]
impl StateChange {
    #[getter]
    fn group_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.group_id)
    }
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.state)
    }
    #[getter]
    fn tree<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.tree.as_deref())
    }
    #[getter]
    fn epochs<'py>(&self, py: Python<'py>) -> Vec<(u64, Bound<'py, PyBytes>)> {
        let epochs = self.epochs.iter();
        epochs.map(|(id, data)| (*id, bytes(py, data))).collect()
    }
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct KeyPackage {
    pub message: Vec<u8>,
    pub reference: Vec<u8>,
    pub private: Zeroizing<Vec<u8>>,
    #[pyo3(get)]
    pub not_after: u64,
}

#[pymethods]
impl KeyPackage {
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.message)
    }
    #[getter]
    fn reference<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.reference)
    }
    #[getter]
    fn private<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.private)
    }
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct KeyPackageInfo {
    pub reference: Vec<u8>,
    pub leaf: Leaf,
    #[pyo3(get)]
    pub not_after: u64,
}

#[pymethods]
impl KeyPackageInfo {
    #[getter]
    fn reference<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.reference)
    }
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.leaf.credential)
    }
    #[getter]
    fn signature_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.leaf.key)
    }
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct PendingCommit {
    pub message: Vec<u8>,
    pub welcomes: Vec<(Vec<u8>, Vec<u8>)>,
    pub tree: Vec<u8>,
    pub group_info: Vec<u8>,
    #[pyo3(get)]
    pub epoch: u64,
}

#[pymethods]
impl PendingCommit {
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.message)
    }
    #[getter]
    fn welcomes<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let welcomes = self.welcomes.iter();
        welcomes
            .map(|(reference, welcome)| (bytes(py, reference), bytes(py, welcome)))
            .collect()
    }
    #[getter]
    fn tree<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.tree)
    }
    #[getter]
    fn group_info<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.group_info)
    }
}

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct MessageInfo {
    #[pyo3(get)]
    pub wire_format: &'static str,
    #[pyo3(get)]
    pub content_type: Option<&'static str>,
    pub group_id: Option<Vec<u8>>,
    #[pyo3(get)]
    pub epoch: Option<u64>,
    #[pyo3(get)]
    pub sender: Option<u32>,
    #[pyo3(get)]
    pub external: bool,
    pub authenticated_data: Option<Vec<u8>>,
    pub references: Vec<Vec<u8>>,
}

#[pymethods]
impl MessageInfo {
    #[getter]
    fn group_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.group_id.as_deref())
    }
    #[getter]
    fn authenticated_data<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.authenticated_data.as_deref())
    }
    #[getter]
    fn references<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.references
            .iter()
            .map(|value| bytes(py, value))
            .collect()
    }
}
