//! How many message keys a group keeps for messages that never came.

use std::collections::BTreeMap;

use crate::limits::{MAX_SKIPPED, MAX_SKIPPED_AT_ONCE};

/// A member could make everybody keep keys without end by skipping generations, with genuine
/// messages or with forged ones; past the bound nothing may skip any more in this epoch.
#[derive(Default)]
pub struct Skips {
    /// Keys kept, at most, since the epoch began.
    pub kept: u32,
    /// By epoch and leaf, the generation that would come next.
    next: BTreeMap<(u64, u32), u32>,
}

impl Skips {
    /// True when nothing may skip any more.
    pub fn exhausted(&self) -> bool {
        self.kept >= MAX_SKIPPED
    }

    /// How many keys a message of this generation leaves behind. The first message seen of a leaf
    /// counts as none, since a restart forgets what came before.
    pub fn by(&self, epoch: u64, leaf: u32, generation: u32) -> u32 {
        let next = self.next.get(&(epoch, leaf)).copied();
        generation.saturating_sub(next.unwrap_or(generation))
    }

    /// A message was opened.
    pub fn opened(&mut self, epoch: u64, leaf: u32, generation: u32) {
        self.kept = self.kept.saturating_add(self.by(epoch, leaf, generation));
        let next = self.next.entry((epoch, leaf)).or_default();
        *next = generation.saturating_add(1).max(*next);
    }

    /// A message failed after it may have skipped.
    pub fn failed(&mut self) {
        self.kept = self.kept.saturating_add(MAX_SKIPPED_AT_ONCE);
    }

    /// A new epoch began; epochs before `oldest` are gone.
    pub fn new_epoch(&mut self, oldest: u64) {
        self.kept = 0;
        self.next = self.next.split_off(&(oldest, 0));
    }
}
