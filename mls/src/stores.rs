//! Memory between the crate and the vault: the crate writes here, `take_changes` hands it over.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mls_rs::{GroupStateStorage, KeyPackageStorage};
use mls_rs_core::group::{EpochRecord, GroupState};
use mls_rs_core::key_package::KeyPackageData;
use zeroize::Zeroizing;

type Secret = Zeroizing<Vec<u8>>;

/// One group's stored state: a store per group, so that no group waits for another.
#[derive(Clone, Default)]
pub struct GroupStore(Arc<Mutex<Records>>);

/// What the store holds.
#[derive(Default)]
pub struct Records {
    /// The state as last written by the crate.
    pub state: Secret,
    /// Prior epochs, by their number.
    pub epochs: BTreeMap<u64, Secret>,
    /// Epochs that the vault has not seen yet.
    pub dirty: BTreeSet<u64>,
}

impl GroupStore {
    /// A store with what the vault kept.
    pub fn with(state: Secret, epochs: BTreeMap<u64, Secret>) -> Self {
        let dirty = BTreeSet::new();
        Self(Arc::new(Mutex::new(Records {
            state,
            epochs,
            dirty,
        })))
    }

    /// The records; every critical section is a few lines without a panic.
    pub fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GroupStateStorage for GroupStore {
    type Error = Infallible;

    fn state(&self, _group_id: &[u8]) -> Result<Option<Secret>, Infallible> {
        let records = self.records();
        Ok((!records.state.is_empty()).then(|| records.state.clone()))
    }

    fn epoch(&self, _group_id: &[u8], epoch_id: u64) -> Result<Option<Secret>, Infallible> {
        Ok(self.records().epochs.get(&epoch_id).cloned())
    }

    fn write(
        &mut self,
        state: GroupState,
        inserts: Vec<EpochRecord>,
        updates: Vec<EpochRecord>,
    ) -> Result<(), Infallible> {
        let mut records = self.records();
        records.state = state.data;
        for record in inserts.into_iter().chain(updates) {
            records.dirty.insert(record.id);
            records.epochs.insert(record.id, record.data);
        }
        Ok(())
    }

    fn max_epoch_id(&self, _group_id: &[u8]) -> Result<Option<u64>, Infallible> {
        Ok(self.records().epochs.keys().next_back().copied())
    }
}

/// Key packages of one call: what was just made, or the one to join with.
#[derive(Clone, Default)]
pub struct KeyPackageStore(Arc<Mutex<BTreeMap<Vec<u8>, KeyPackageData>>>);

impl KeyPackageStore {
    fn records(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, KeyPackageData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store with one key package.
    pub fn with(reference: Vec<u8>, data: KeyPackageData) -> Self {
        Self(Arc::new(Mutex::new(BTreeMap::from([(reference, data)]))))
    }

    /// Takes out the only key package.
    pub fn take(&self) -> Option<(Vec<u8>, KeyPackageData)> {
        self.records().pop_first()
    }
}

impl KeyPackageStorage for KeyPackageStore {
    type Error = Infallible;

    fn delete(&mut self, id: &[u8]) -> Result<(), Infallible> {
        self.records().remove(id);
        Ok(())
    }

    fn insert(&mut self, id: Vec<u8>, package: KeyPackageData) -> Result<(), Infallible> {
        self.records().insert(id, package);
        Ok(())
    }

    fn get(&self, id: &[u8]) -> Result<Option<KeyPackageData>, Infallible> {
        Ok(self.records().get(id).cloned())
    }
}
