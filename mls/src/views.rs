//! What Python is shown: frozen values without behaviour.

use mls_rs::group::proposal::Proposal as MlsProposal;
use mls_rs::group::{CommitEffect, CommitMessageDescription, ExportedTree, Node};
use mls_rs::identity::SigningIdentity;
use mls_rs::ExtensionList;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::failure::Outcome;
use crate::rules::context_data;
use crate::suite::credential_of;

/// Copies into Python.
pub fn bytes<'py>(py: Python<'py>, value: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, value)
}

/// Copies into Python what is there.
pub fn maybe<'py>(py: Python<'py>, value: Option<&[u8]>) -> Option<Bound<'py, PyBytes>> {
    value.map(|value| PyBytes::new(py, value))
}

/// A leaf as Rust keeps it.
#[derive(Clone)]
pub struct Leaf {
    pub index: u32,
    pub credential: Vec<u8>,
    pub key: Vec<u8>,
}

impl Leaf {
    /// Copies what we show of a leaf.
    pub fn new(index: u32, identity: &SigningIdentity) -> Outcome<Self> {
        Ok(Self {
            index,
            credential: credential_of(identity)?.to_vec(),
            key: identity.signature_key.to_vec(),
        })
    }
}

/// All leaves of a tree, in order of their index.
pub fn leaves(tree: &ExportedTree<'_>) -> Outcome<Vec<Leaf>> {
    let leaf_nodes = tree.nodes().iter().step_by(2);
    (0u32..)
        .zip(leaf_nodes)
        .filter_map(|(index, node)| match node {
            Some(Node::Leaf(leaf)) => Some(Leaf::new(index, &leaf.signing_identity)),
            _ => None,
        })
        .collect()
}

/// One leaf of a tree.
pub fn leaf_at(tree: &ExportedTree<'_>, index: u32) -> Outcome<Option<Leaf>> {
    let node = usize::try_from(index)
        .ok()
        .and_then(|index| index.checked_mul(2))
        .and_then(|index| tree.nodes().get(index));
    match node {
        Some(Some(Node::Leaf(leaf))) => Leaf::new(index, &leaf.signing_identity).map(Some),
        _ => Ok(None),
    }
}

/// See the .pyi, as for everything below.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct Member(pub Leaf);

#[pymethods]
impl Member {
    #[getter]
    fn leaf_index(&self) -> u32 {
        self.0.index
    }
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.credential)
    }
    #[getter]
    fn signature_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.key)
    }
    fn __repr__(&self) -> String {
        format!("Member(leaf_index={})", self.0.index)
    }
}

/// A Python list of members.
pub fn member_list<'py>(py: Python<'py>, leaves: &[Leaf]) -> PyResult<Bound<'py, PyList>> {
    let members = leaves
        .iter()
        .map(|leaf| Bound::new(py, Member(leaf.clone())))
        .collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, members)
}

#[pyclass(frozen, module = "doublelock_mls")]
#[derive(Clone)]
pub struct ProposalView {
    pub kind: &'static str,
    pub proposer: Option<u32>,
    pub by_reference: bool,
    pub leaf_index: Option<u32>,
    pub leaf: Option<Leaf>,
    pub context_data: Option<Vec<u8>>,
}

impl ProposalView {
    /// A view with nothing but its kind and origin.
    pub fn bare(kind: &'static str, proposer: Option<u32>, by_reference: bool) -> Self {
        Self {
            kind,
            proposer,
            by_reference,
            leaf_index: None,
            leaf: None,
            context_data: None,
        }
    }
}

#[pymethods]
impl ProposalView {
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }
    #[getter]
    fn proposer(&self) -> Option<u32> {
        self.proposer
    }
    #[getter]
    fn by_reference(&self) -> bool {
        self.by_reference
    }
    #[getter]
    fn leaf_index(&self) -> Option<u32> {
        self.leaf_index
    }
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(
            py,
            self.leaf.as_ref().map(|leaf| leaf.credential.as_slice()),
        )
    }
    #[getter]
    fn signature_key<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.leaf.as_ref().map(|leaf| leaf.key.as_slice()))
    }
    #[getter]
    fn context_data<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.context_data.as_deref())
    }
}

#[pyclass(frozen, module = "doublelock_mls")]
pub struct CommitView {
    pub direction: &'static str,
    pub group_id: Vec<u8>,
    pub epoch: u64,
    pub committer: Leaf,
    pub external: bool,
    pub proposals: Vec<ProposalView>,
    pub context_data: Option<Vec<u8>>,
    pub roster: Vec<Leaf>,
}

#[pymethods]
impl CommitView {
    #[getter]
    fn direction(&self) -> &'static str {
        self.direction
    }
    #[getter]
    fn group_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.group_id)
    }
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch
    }
    #[getter]
    fn external(&self) -> bool {
        self.external
    }
    #[getter]
    fn committer(&self) -> Option<u32> {
        (!self.external).then_some(self.committer.index)
    }
    #[getter]
    fn committer_credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.committer.credential)
    }
    #[getter]
    fn committer_signature_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.committer.key)
    }
    #[getter]
    fn proposals(&self) -> Vec<ProposalView> {
        self.proposals.clone()
    }
    #[getter]
    fn context_data<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.context_data.as_deref())
    }
    fn roster<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        member_list(py, &self.roster)
    }
}

#[pyclass(frozen, module = "doublelock_mls")]
pub struct Application {
    pub sender: Leaf,
    pub epoch: u64,
    pub generation: Option<u32>,
    pub plaintext: zeroize::Zeroizing<Vec<u8>>,
    pub authenticated_data: Vec<u8>,
}

#[pymethods]
impl Application {
    #[getter]
    fn sender(&self) -> u32 {
        self.sender.index
    }
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.sender.credential)
    }
    #[getter]
    fn signature_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.sender.key)
    }
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch
    }
    #[getter]
    fn generation(&self) -> Option<u32> {
        self.generation
    }
    #[getter]
    fn plaintext<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.plaintext)
    }
    #[getter]
    fn authenticated_data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.authenticated_data)
    }
}

#[pyclass(frozen, module = "doublelock_mls")]
#[derive(Clone)]
pub struct Commit {
    pub committer: u32,
    pub external: bool,
    pub epoch: u64,
    pub added: Vec<Leaf>,
    pub removed: Vec<Leaf>,
    pub path: bool,
    pub context_changed: bool,
    pub context_data: Option<Vec<u8>>,
    pub self_removed: bool,
    pub authenticated_data: Vec<u8>,
}

#[pymethods]
impl Commit {
    #[getter]
    fn committer(&self) -> u32 {
        self.committer
    }
    #[getter]
    fn external(&self) -> bool {
        self.external
    }
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch
    }
    #[getter]
    fn added<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        member_list(py, &self.added)
    }
    #[getter]
    fn removed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        member_list(py, &self.removed)
    }
    #[getter]
    fn path(&self) -> bool {
        self.path
    }
    #[getter]
    fn context_changed(&self) -> bool {
        self.context_changed
    }
    #[getter]
    fn context_data<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        maybe(py, self.context_data.as_deref())
    }
    #[getter]
    fn self_removed(&self) -> bool {
        self.self_removed
    }
    #[getter]
    fn authenticated_data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.authenticated_data)
    }
}

impl Commit {
    /// Describes an applied commit by the tree and extensions that it led to.
    pub fn new(
        description: &CommitMessageDescription,
        tree: &ExportedTree<'_>,
        extensions: &ExtensionList,
        path: bool,
    ) -> Outcome<Self> {
        let (new_epoch, self_removed) = match &description.effect {
            CommitEffect::NewEpoch(new_epoch) => (new_epoch, false),
            CommitEffect::Removed { new_epoch, .. } => (new_epoch, true),
            CommitEffect::ReInit(_) => {
                return Err(crate::failure::refused(
                    "reinitialised",
                    "the group ended by a reinitialisation",
                ))
            }
        };
        let mut added_keys: Vec<&[u8]> = Vec::new();
        let mut commit = Self {
            committer: description.committer,
            external: description.is_external,
            epoch: new_epoch.epoch,
            added: Vec::new(),
            removed: Vec::new(),
            path,
            context_changed: false,
            context_data: context_data(extensions),
            self_removed,
            authenticated_data: description.authenticated_data.clone(),
        };
        for info in &new_epoch.applied_proposals {
            match &info.proposal {
                MlsProposal::Add(add) => added_keys.push(&add.signing_identity().signature_key),
                MlsProposal::Remove(remove) => {
                    let index = remove.to_remove();
                    if let Some(member) = new_epoch.prior_state.member_at_index(index) {
                        let leaf = Leaf::new(index, &member.signing_identity)?;
                        commit.removed.push(leaf);
                    }
                }
                MlsProposal::GroupContextExtensions(_) => commit.context_changed = true,
                _ => {}
            }
        }
        // A leaf that is gone from us sees no new tree, so it cannot say who came.
        if !self_removed && (description.is_external || !added_keys.is_empty()) {
            added_keys.sort_unstable();
            let came = |leaf: &Leaf| {
                (description.is_external && leaf.index == description.committer)
                    || added_keys.binary_search(&leaf.key.as_slice()).is_ok()
            };
            commit.added = leaves(tree)?.into_iter().filter(came).collect();
        }
        Ok(commit)
    }
}

#[pyclass(frozen, module = "doublelock_mls")]
#[derive(Clone)]
pub struct Proposal {
    pub sender: u32,
    pub leaf_index: Option<u32>,
    pub authenticated_data: Vec<u8>,
}

#[pymethods]
impl Proposal {
    #[getter]
    fn sender(&self) -> u32 {
        self.sender
    }
    #[getter]
    fn leaf_index(&self) -> Option<u32> {
        self.leaf_index
    }
    #[getter]
    fn authenticated_data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.authenticated_data)
    }
}
