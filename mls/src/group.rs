//! The Python class over a live group.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::failure::{attached, detached, lock, refused, Outcome};
use crate::limits::{at_most, time, MAX_PLAINTEXT};
use crate::live::{CommitWish, Event, Live};
use crate::results::{Encrypted, PendingCommit, StateChange};
use crate::rules::context_data;
use crate::views::{leaf_at, leaves, member_list, Commit, Leaf, Member};

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct Group(Mutex<Live>);

impl Group {
    /// Wraps a live group.
    pub fn new(live: Live) -> Self {
        Self(Mutex::new(live))
    }

    fn brief<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Live) -> Outcome<T>) -> PyResult<T> {
        attached(py, || work(&mut *lock(&self.0)?))
    }

    fn long<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Live) -> Outcome<T> + Send,
    ) -> PyResult<T> {
        detached(py, || work(&mut *lock(&self.0)?))
    }
}

#[pymethods]
impl Group {
    #[getter]
    fn group_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.brief(py, |live| Ok(PyBytes::new(py, live.group.group_id())))
    }

    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        self.brief(py, |live| Ok(live.epoch()))
    }

    #[getter]
    fn own_leaf_index(&self, py: Python<'_>) -> PyResult<u32> {
        self.brief(py, |live| Ok(live.group.current_member_index()))
    }

    #[getter]
    fn context_data<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.brief(py, |live| {
            let data = context_data(&live.group.context().extensions);
            Ok(data.map(|data| PyBytes::new(py, &data)))
        })
    }

    #[getter]
    fn epoch_authenticator<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.brief(py, |live| {
            let secret = live.group.epoch_authenticator()?;
            Ok(PyBytes::new(py, secret.as_bytes()))
        })
    }

    #[getter]
    fn has_pending_commit(&self, py: Python<'_>) -> PyResult<bool> {
        self.brief(py, |live| Ok(live.group.has_pending_commit()))
    }

    #[getter]
    fn commit_required(&self, py: Python<'_>) -> PyResult<bool> {
        self.brief(py, |live| Ok(live.group.commit_required()))
    }

    #[getter]
    fn removed(&self, py: Python<'_>) -> PyResult<bool> {
        self.brief(py, |live| Ok(live.removed))
    }

    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let members: Vec<Leaf> = self.brief(py, |live| leaves(&live.group.export_tree()))?;
        member_list(py, &members)
    }

    fn member_count(&self, py: Python<'_>) -> PyResult<usize> {
        self.brief(py, |live| {
            Ok(live.group.roster().member_identities_iter().count())
        })
    }

    fn member(&self, py: Python<'_>, leaf_index: u32) -> PyResult<Member> {
        self.brief(py, |live| {
            leaf_at(&live.group.export_tree(), leaf_index)?
                .map(Member)
                .ok_or_else(|| refused("no-such-member", format!("leaf {leaf_index} is empty")))
        })
    }

    fn export_secret<'py>(
        &self,
        py: Python<'py>,
        label: &[u8],
        context: &[u8],
        length: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let secret = self.long(py, |live| {
            live.present()?;
            // HKDF-SHA-256 gives 255 blocks at most.
            at_most("exported secret", length, 8160)?;
            at_most(
                "exporter context",
                context.len() + label.len(),
                MAX_PLAINTEXT,
            )?;
            Ok(live.group.export_secret(label, context, length)?)
        })?;
        Ok(PyBytes::new(py, secret.as_bytes()))
    }

    fn ratchet_tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let tree = self.long(py, |live| Ok(live.group.export_tree().to_bytes()?))?;
        Ok(PyBytes::new(py, &tree))
    }

    fn group_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let info = self.long(py, |live| {
            live.present()?;
            let info = live.group.group_info_message_allowing_ext_commit(false)?;
            Ok(info.to_bytes()?)
        })?;
        Ok(PyBytes::new(py, &info))
    }

    #[pyo3(signature = (plaintext, authenticated_data=b"".as_slice()))]
    fn encrypt(
        &self,
        py: Python<'_>,
        plaintext: &[u8],
        authenticated_data: &[u8],
    ) -> PyResult<Encrypted> {
        self.long(py, |live| live.encrypt(plaintext, authenticated_data))
    }

    fn process<'py>(
        &self,
        py: Python<'py>,
        message: &[u8],
        now: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let event = self.long(py, |live| live.process(message, time(now)?))?;
        Ok(match event {
            Event::Application(event) => Bound::new(py, event)?.into_any(),
            Event::Commit(event) => Bound::new(py, event)?.into_any(),
            Event::Proposal(event) => Bound::new(py, event)?.into_any(),
        })
    }

    #[pyo3(signature = (
        *, now, add=Vec::new(), remove=Vec::new(), context_data=None, update_path=false,
        authenticated_data=b"".as_slice()
    ))]
    #[allow(clippy::too_many_arguments)]
    fn commit(
        &self,
        py: Python<'_>,
        now: u64,
        add: Vec<Bound<'_, PyBytes>>,
        remove: Vec<u32>,
        context_data: Option<&[u8]>,
        update_path: bool,
        authenticated_data: &[u8],
    ) -> PyResult<PendingCommit> {
        let wish = CommitWish {
            add: add
                .iter()
                .map(|package| package.as_bytes().to_vec())
                .collect(),
            remove,
            context_data,
            update_path,
            authenticated_data,
        };
        self.long(py, |live| live.commit(&wish, time(now)?))
    }

    fn apply_pending_commit(&self, py: Python<'_>) -> PyResult<Commit> {
        self.long(py, Live::apply)
    }

    fn clear_pending_commit(&self, py: Python<'_>) -> PyResult<()> {
        self.brief(py, |live| {
            live.group.clear_pending_commit();
            Ok(())
        })
    }

    #[pyo3(signature = (authenticated_data=b"".as_slice()))]
    fn propose_self_remove<'py>(
        &self,
        py: Python<'py>,
        authenticated_data: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let message = self.long(py, |live| live.leave(authenticated_data))?;
        Ok(PyBytes::new(py, &message))
    }

    fn clear_proposals(&self, py: Python<'_>) -> PyResult<()> {
        self.brief(py, |live| {
            live.group.clear_proposal_cache();
            Ok(())
        })
    }

    fn take_changes(&self, py: Python<'_>) -> PyResult<StateChange> {
        self.long(py, Live::take_changes)
    }
}
