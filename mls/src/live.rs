//! A group as a member holds it: sending, receiving, committing, storing.

use std::sync::atomic::Ordering;

use mls_rs::error::MlsError;
use mls_rs::group::proposal::Proposal as MlsProposal;
use mls_rs::group::{
    ApplicationMessageDescription, CommitOutput, ContentType, ProposalMessageDescription,
    ProposalSender, ReceivedMessage, Sender,
};
use mls_rs::mls_rs_codec::{self, MlsDecode, MlsEncode, MlsSize};
use mls_rs::time::MlsTime;
use mls_rs::{MlsMessage, MlsMessageDescription};
use zeroize::Zeroizing;

use crate::client::{context_extensions, Config};
use crate::failure::{refused, Outcome};
use crate::limits::{at_most, MAX_GENERATION_SKIP, MAX_MEMBERS, MAX_PLAINTEXT};
use crate::results::{Encrypted, PendingCommit, StateChange};
use crate::rules::Rules;
use crate::skips::Skips;
use crate::stores::GroupStore;
use crate::suite::decode;
use crate::views::{leaf_at, Application, Commit, Proposal};

/// A stored state: ours around the crate's.
#[derive(MlsEncode, MlsDecode, MlsSize)]
pub struct StoredState {
    version: u8,
    pub removed: bool,
    pub skipped: u32,
    #[mls_codec(with = "mls_rs_codec::byte_vec")]
    pub group_id: Vec<u8>,
    #[mls_codec(with = "mls_rs_codec::byte_vec")]
    pub state: Zeroizing<Vec<u8>>,
}

const STORED_VERSION: u8 = 1;

/// The group with what belongs to it.
pub struct Live {
    pub group: mls_rs::Group<Config>,
    pub store: GroupStore,
    pub rules: Rules,
    pub strict: bool,
    pub prior_epochs: u64,
    /// The epoch whose tree the vault has.
    pub tree_epoch: Option<u64>,
    /// Commits since the crate last wrote its prior epochs to the store.
    pub unwritten_commits: u64,
    pub removed: bool,
    pub skips: Skips,
}

/// The arguments of `Group.commit`.
pub struct CommitWish<'a> {
    pub add: Vec<Vec<u8>>,
    pub remove: Vec<u32>,
    pub context_data: Option<&'a [u8]>,
    pub update_path: bool,
    pub authenticated_data: &'a [u8],
}

/// What `process` found.
pub enum Event {
    Application(Application),
    Commit(Commit),
    Proposal(Proposal),
}

impl Live {
    /// Decodes a stored state.
    pub fn open_state(stored: &[u8]) -> Outcome<StoredState> {
        let stored = StoredState::mls_decode_exhaustive(stored)?;
        if stored.version != STORED_VERSION {
            return Err(refused("malformed", "the state is of an unknown version"));
        }
        Ok(stored)
    }

    pub fn epoch(&self) -> u64 {
        self.group.context().epoch
    }

    pub fn present(&self) -> Outcome<()> {
        if self.removed {
            return Err(refused("removed", "this device was removed from the group"));
        }
        Ok(())
    }

    /// Burns generations that were used after the state was stored: no key is used twice.
    pub fn burn(&mut self, epoch: u64, next: u32) -> Outcome<()> {
        if epoch > self.epoch() {
            return Err(refused(
                "state-behind",
                "a message was sent in a later epoch than this state knows; rejoin",
            ));
        }
        if epoch < self.epoch() {
            return Ok(());
        }
        let first = self.group.peek_next_key_generation()?;
        if next.saturating_sub(first) > MAX_GENERATION_SKIP {
            return Err(refused("state-behind", "the state is too old; rejoin"));
        }
        for _ in first..next {
            self.group.next_encryption_key()?;
        }
        Ok(())
    }

    pub fn encrypt(&mut self, plaintext: &[u8], authenticated_data: &[u8]) -> Outcome<Encrypted> {
        self.present()?;
        at_most("plaintext", plaintext.len(), MAX_PLAINTEXT)?;
        at_most(
            "authenticated data",
            authenticated_data.len(),
            MAX_PLAINTEXT,
        )?;
        let generation = self.group.peek_next_key_generation()?;
        let message = self
            .group
            .encrypt_application_message(plaintext, authenticated_data.to_vec())?;
        Ok(Encrypted {
            ciphertext: message.to_bytes()?,
            epoch: self.epoch(),
            generation,
        })
    }

    pub fn process(&mut self, bytes: &[u8], now: MlsTime) -> Outcome<Event> {
        self.present()?;
        let message = decode(bytes)?;
        match message.description() {
            MlsMessageDescription::PrivateProtocolMessage {
                epoch_id,
                content_type,
                ..
            } => {
                if self.strict && content_type != ContentType::Application {
                    return Err(refused(
                        "encrypted-handshake",
                        "commits and proposals travel unencrypted here",
                    ));
                }
                if content_type == ContentType::Application {
                    return self.open(message, epoch_id, now);
                }
            }
            MlsMessageDescription::PublicProtocolMessage { sender, .. } => {
                let known = matches!(sender, Sender::Member(_) | Sender::NewMemberCommit);
                if self.strict && !known {
                    return Err(refused("proposal-refused", "only members propose here"));
                }
            }
            _ => {
                return Err(refused(
                    "unexpected-message",
                    "this is not a message of a group",
                ))
            }
        }
        self.advance(message, now)
    }

    fn open(&mut self, message: MlsMessage, epoch: u64, now: MlsTime) -> Outcome<Event> {
        if epoch.saturating_add(self.prior_epochs) < self.epoch() {
            return Err(refused("epoch-gone", "the message is of too old an epoch"));
        }
        if epoch > self.epoch() {
            return Err(refused("wrong-epoch", "the message is of a later epoch"));
        }
        if self.skips.exhausted() {
            // On a copy, which is dropped if the message skips or fails.
            let mut copy = self.group.clone();
            let opened = application(copy.process_incoming_message_with_time(message, now)?)?;
            let generation = opened.unauthenticated_key_generation.unwrap_or_default();
            if self.skips.by(epoch, opened.sender_index, generation) > 0 {
                return Err(refused(
                    "too-many-skipped",
                    "too many messages of this epoch never came",
                ));
            }
            self.group = copy;
            return self.opened(opened, epoch);
        }
        match self.group.process_incoming_message_with_time(message, now) {
            Ok(received) => self.opened(application(received)?, epoch),
            Err(error) => {
                if !matches!(error, MlsError::KeyMissing(_) | MlsError::EpochNotFound) {
                    self.skips.failed();
                }
                Err(error.into())
            }
        }
    }

    fn opened(&mut self, opened: ApplicationMessageDescription, epoch: u64) -> Outcome<Event> {
        let generation = opened.unauthenticated_key_generation.unwrap_or_default();
        self.skips.opened(epoch, opened.sender_index, generation);
        self.application(opened, epoch).map(Event::Application)
    }

    fn application(
        &self,
        description: ApplicationMessageDescription,
        epoch: u64,
    ) -> Outcome<Application> {
        // The crate has checked that a leaf of an older epoch still has the same key.
        let sender = leaf_at(&self.group.export_tree(), description.sender_index)?
            .ok_or_else(|| refused("member-not-found", "the sender is no member any more"))?;
        Ok(Application {
            sender,
            epoch,
            generation: description.unauthenticated_key_generation,
            plaintext: Zeroizing::new(description.data().to_vec()),
            authenticated_data: description.authenticated_data,
        })
    }

    /// Handshakes run on a copy, which replaces the group only when all went well.
    fn advance(&mut self, message: MlsMessage, now: MlsTime) -> Outcome<Event> {
        let path = message.commit_path_leaf_node().is_some();
        let mut next = self.group.clone();
        match next.process_incoming_message_with_time(message, now)? {
            ReceivedMessage::Commit(description) => {
                let tree = next.export_tree();
                let commit = Commit::new(&description, &tree, &next.context().extensions, path)?;
                drop(tree);
                self.removed = commit.self_removed;
                self.moved(next)?;
                Ok(Event::Commit(commit))
            }
            ReceivedMessage::Proposal(description) => {
                let senders: Vec<Sender> = next
                    .get_cached_proposals()
                    .iter()
                    .map(|proposal| *proposal.sender())
                    .collect();
                let proposal = wish_to_leave(description, &senders, self.strict)?;
                self.group = next;
                Ok(Event::Proposal(proposal))
            }
            _ => Err(refused("unexpected-message", "not a handshake message")),
        }
    }

    fn moved(&mut self, next: mls_rs::Group<Config>) -> Outcome<()> {
        self.group = next;
        self.unwritten_commits += 1;
        let oldest = self.epoch().saturating_sub(self.prior_epochs);
        self.skips.new_epoch(oldest);
        // Keeps what is unwritten bounded while a client catches up on many commits.
        if self.unwritten_commits > self.prior_epochs.max(1) {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Outcome<()> {
        self.group.write_to_storage_without_ratchet_tree()?;
        self.unwritten_commits = 0;
        let oldest = self.epoch().saturating_sub(self.prior_epochs);
        let mut records = self.store.records();
        records.epochs = records.epochs.split_off(&oldest);
        records.dirty = records.dirty.split_off(&oldest);
        Ok(())
    }

    pub fn take_changes(&mut self) -> Outcome<StateChange> {
        self.write()?;
        let epoch = self.epoch();
        let tree = match self.tree_epoch {
            Some(known) if known == epoch => None,
            _ => Some(self.group.export_tree().to_bytes()?),
        };
        let mut records = self.store.records();
        let dirty = std::mem::take(&mut records.dirty);
        let epochs = dirty
            .into_iter()
            .filter_map(|id| Some((id, records.epochs.get(&id)?.clone())))
            .collect();
        let stored = StoredState {
            version: STORED_VERSION,
            removed: self.removed,
            skipped: self.skips.kept,
            group_id: self.group.group_id().to_vec(),
            state: std::mem::take(&mut records.state),
        };
        drop(records);
        let state = Zeroizing::new(stored.mls_encode_to_vec()?);
        self.tree_epoch = Some(epoch);
        Ok(StateChange {
            group_id: stored.group_id,
            epoch,
            state,
            tree,
            epochs,
            drop_epochs_below: epoch.saturating_sub(self.prior_epochs),
        })
    }

    pub fn commit(&mut self, wish: &CommitWish<'_>, now: MlsTime) -> Outcome<PendingCommit> {
        self.present()?;
        at_most(
            "authenticated data",
            wish.authenticated_data.len(),
            MAX_PLAINTEXT,
        )?;
        at_most("added members", wish.add.len(), MAX_MEMBERS)?;
        at_most("removed members", wish.remove.len(), MAX_MEMBERS)?;
        self.rules
            .force_path
            .store(wish.update_path, Ordering::Relaxed);
        let mut next = self.group.clone();
        let mut builder = next
            .commit_builder()
            .commit_time(now)
            .authenticated_data(wish.authenticated_data.to_vec());
        for package in &wish.add {
            builder = builder.add_member(decode(package)?)?;
        }
        for index in &wish.remove {
            builder = builder.remove_member(*index)?;
        }
        if let Some(data) = wish.context_data {
            builder = builder.set_group_context_ext(context_extensions(Some(data))?)?;
        }
        let output = builder.build()?;
        let pending = self.pending(&output)?;
        self.group = next;
        Ok(pending)
    }

    fn pending(&self, output: &CommitOutput) -> Outcome<PendingCommit> {
        let mut welcomes = Vec::with_capacity(output.welcome_messages.len());
        for welcome in &output.welcome_messages {
            let bytes = welcome.to_bytes()?;
            for reference in welcome.welcome_key_package_references() {
                welcomes.push((reference.to_vec(), bytes.clone()));
            }
        }
        let missing = || refused("internal", "the commit came without its tree or group info");
        let tree = output.ratchet_tree.as_ref().ok_or_else(missing)?;
        let info = output
            .external_commit_group_info
            .as_ref()
            .ok_or_else(missing)?;
        Ok(PendingCommit {
            message: output.commit_message.to_bytes()?,
            welcomes,
            tree: tree.to_bytes()?,
            group_info: info.to_bytes()?,
            epoch: self.epoch() + 1,
        })
    }

    pub fn apply(&mut self) -> Outcome<Commit> {
        self.present()?;
        let mut next = self.group.clone();
        let description = next.apply_pending_commit()?;
        let tree = next.export_tree();
        let extensions = &next.context().extensions;
        // A commit of one's own carries a path wherever one's leaf changed by it.
        let own = next.current_member_index();
        let path = leaf_bytes(&tree, own) != leaf_bytes(&self.group.export_tree(), own);
        let commit = Commit::new(&description, &tree, extensions, path)?;
        drop(tree);
        self.moved(next)?;
        Ok(commit)
    }

    pub fn leave(&mut self, authenticated_data: &[u8]) -> Outcome<Vec<u8>> {
        self.present()?;
        at_most(
            "authenticated data",
            authenticated_data.len(),
            MAX_PLAINTEXT,
        )?;
        let own = self.group.current_member_index();
        let message = self
            .group
            .propose_remove(own, authenticated_data.to_vec())?;
        Ok(message.to_bytes()?)
    }
}

fn application(received: ReceivedMessage) -> Outcome<ApplicationMessageDescription> {
    match received {
        ReceivedMessage::ApplicationMessage(description) => Ok(description),
        _ => Err(refused("unexpected-message", "not an application message")),
    }
}

fn leaf_bytes(tree: &mls_rs::group::ExportedTree<'_>, index: u32) -> Option<Vec<u8>> {
    let node = tree
        .nodes()
        .get(usize::try_from(index).ok()? * 2)?
        .as_ref()?;
    node.mls_encode_to_vec().ok()
}

/// Allows one proposal by reference: a member's own removal, once.
pub fn wish_to_leave(
    description: ProposalMessageDescription,
    cached: &[Sender],
    strict: bool,
) -> Outcome<Proposal> {
    let ProposalSender::Member(sender) = description.sender else {
        return Err(refused("proposal-refused", "only members propose here"));
    };
    let target = match &description.proposal {
        MlsProposal::Remove(remove) => Some(remove.to_remove()),
        _ => None,
    };
    let wishes = cached
        .iter()
        .filter(|s| **s == Sender::Member(sender))
        .count();
    if strict && (target != Some(sender) || wishes > 1) {
        return Err(refused(
            "proposal-refused",
            "by itself a member may propose only its own removal, and once",
        ));
    }
    Ok(Proposal {
        sender,
        leaf_index: target,
        authenticated_data: description.authenticated_data,
    })
}
