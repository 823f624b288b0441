//! The structure that every commit of ours has, judged before Python sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use mls_rs::client_builder::PaddingMode;
use mls_rs::group::proposal::{AddProposal, RemoveProposal};
use mls_rs::group::{GroupContext, Roster, Sender};
use mls_rs::mls_rules::{
    CommitDirection, CommitOptions, CommitSource, EncryptionOptions, ProposalBundle, ProposalInfo,
    ProposalSource,
};
use mls_rs::{ExtensionList, MlsRules};

use crate::failure::{refused, Failure, Outcome};
use crate::hooks::Hooks;
use crate::limits::{CONTEXT_EXTENSION, MAX_CONTEXT_DATA, MAX_MEMBERS};
use crate::suite::credential_of;
use crate::views::{CommitView, Leaf, ProposalView};

/// Our rules on top of RFC 9420 §12.2.
#[derive(Clone)]
pub struct Rules {
    hooks: Arc<Hooks>,
    /// False for published test vectors only.
    strict: bool,
    /// Set for the one commit that shall carry a path although it only adds.
    pub force_path: Arc<AtomicBool>,
}

impl Rules {
    /// Rules with their hooks.
    pub fn new(hooks: Arc<Hooks>, strict: bool) -> Self {
        Self {
            hooks,
            strict,
            force_path: Arc::default(),
        }
    }

    fn structure(
        &self,
        source: &CommitSource,
        roster: &Roster<'_>,
        bundle: &ProposalBundle,
    ) -> Outcome<()> {
        let foreign = !bundle.psk_proposals().is_empty()
            || !bundle.reinit_proposals().is_empty()
            || !bundle.custom_proposals().is_empty()
            || !bundle.update_proposals().is_empty();
        if foreign {
            return Err(refused(
                "proposal-refused",
                "only add, remove, context and resync are in use here",
            ));
        }
        for info in bundle.remove_proposals() {
            let leaving = info.sender == Sender::Member(info.proposal.to_remove());
            if by_reference(info) && !leaving {
                return Err(refused(
                    "proposal-refused",
                    "by reference, a member may remove itself only",
                ));
            }
        }
        let others_by_reference = bundle.add_proposals().iter().any(by_reference)
            || bundle
                .group_context_ext_proposals()
                .iter()
                .any(by_reference);
        if others_by_reference {
            return Err(refused(
                "proposal-refused",
                "by reference, a member may only leave",
            ));
        }
        for info in bundle.group_context_ext_proposals() {
            context_allowed(&info.proposal)?;
        }
        let before = roster.member_identities_iter().count();
        let newcomer = usize::from(matches!(source, CommitSource::NewMember(_)));
        let after = (before + newcomer + bundle.add_proposals().len())
            .saturating_sub(bundle.remove_proposals().len());
        if after > MAX_MEMBERS {
            return Err(refused(
                "too-many-members",
                format!("a group has {MAX_MEMBERS} members at most"),
            ));
        }
        if let CommitSource::NewMember(identity) = source {
            self.resync(identity, roster, bundle)?;
        } else if !bundle.external_init_proposals().is_empty() {
            return Err(refused("proposal-refused", "a member cannot enter again"));
        }
        Ok(())
    }

    /// An external commit replaces one's own old leaf and does nothing else: no ghost (design §5).
    fn resync(
        &self,
        identity: &mls_rs::identity::SigningIdentity,
        roster: &Roster<'_>,
        bundle: &ProposalBundle,
    ) -> Outcome<()> {
        let alone = bundle.add_proposals().is_empty()
            && bundle.group_context_ext_proposals().is_empty()
            && bundle.external_init_proposals().len() == 1;
        let [removal] = bundle.remove_proposals() else {
            return Err(refused(
                "external-refused",
                "an external commit must remove one old leaf of the same device",
            ));
        };
        let old = roster.member_with_index(removal.proposal.to_remove())?;
        if !alone || credential_of(&old.signing_identity)? != credential_of(identity)? {
            return Err(refused(
                "external-refused",
                "an external commit may only replace the same device's leaf",
            ));
        }
        Ok(())
    }
}

fn by_reference<T>(info: &ProposalInfo<T>) -> bool {
    matches!(info.source, ProposalSource::ByReference(_))
}

/// Refuses every GroupContext extension but ours.
pub fn context_allowed(extensions: &ExtensionList) -> Outcome<()> {
    for extension in extensions.iter() {
        let ours = extension.extension_type.raw_value() == CONTEXT_EXTENSION;
        if !ours || extension.extension_data.len() > MAX_CONTEXT_DATA {
            return Err(refused(
                "context-refused",
                "the group context holds an extension that is not ours, or too long",
            ));
        }
    }
    Ok(())
}

/// The bytes of our extension.
pub fn context_data(extensions: &ExtensionList) -> Option<Vec<u8>> {
    extensions
        .get(CONTEXT_EXTENSION.into())
        .map(|extension| extension.extension_data)
}

impl MlsRules for Rules {
    type Error = Failure;

    fn filter_proposals(
        &self,
        direction: CommitDirection,
        source: CommitSource,
        roster: &Roster<'_>,
        context: &GroupContext,
        bundle: ProposalBundle,
    ) -> Result<ProposalBundle, Failure> {
        if self.strict {
            self.structure(&source, roster, &bundle)?;
        }
        let (committer, identity) = match &source {
            CommitSource::ExistingMember(member) => (Some(member.index), &member.signing_identity),
            CommitSource::NewMember(identity) => (None, identity),
        };
        let view = CommitView {
            direction: match direction {
                CommitDirection::Send => "send",
                CommitDirection::Receive => "receive",
            },
            group_id: context.group_id.clone(),
            epoch: context.epoch,
            committer: Leaf::new(committer.unwrap_or_default(), identity)?,
            external: committer.is_none(),
            proposals: views(&bundle, roster)?,
            context_data: context_data(&context.extensions),
            roster: roster
                .members_iter()
                .map(|member| Leaf::new(member.index, &member.signing_identity))
                .collect::<Outcome<_>>()?,
        };
        self.hooks.commit(view)?;
        Ok(bundle)
    }

    fn commit_options(
        &self,
        _: &Roster<'_>,
        _: &GroupContext,
        _: &ProposalBundle,
    ) -> Result<CommitOptions, Failure> {
        Ok(CommitOptions::new()
            .with_path_required(self.force_path.load(Ordering::Relaxed))
            .with_ratchet_tree_extension(false)
            .with_single_welcome_message(false)
            .with_allow_external_commit(true)
            .with_always_out_of_band_ratchet_tree(true))
    }

    fn encryption_options(
        &self,
        _: &Roster<'_>,
        _: &GroupContext,
    ) -> Result<EncryptionOptions, Failure> {
        // No padding: what we encrypt here has one fixed size (design §5).
        Ok(EncryptionOptions::new(false, PaddingMode::None))
    }
}

fn proposer(sender: Sender) -> Option<u32> {
    match sender {
        Sender::Member(index) => Some(index),
        _ => None,
    }
}

fn views(bundle: &ProposalBundle, roster: &Roster<'_>) -> Outcome<Vec<ProposalView>> {
    let mut views = Vec::with_capacity(bundle.length());
    for info in bundle.external_init_proposals() {
        views.push(ProposalView::bare(
            "external-init",
            proposer(info.sender),
            by_reference(info),
        ));
    }
    for info in bundle.remove_proposals() {
        views.push(removal(info, roster)?);
    }
    for info in bundle.add_proposals() {
        views.push(addition(info)?);
    }
    for info in bundle.group_context_ext_proposals() {
        let mut view = ProposalView::bare("context", proposer(info.sender), by_reference(info));
        view.context_data = context_data(&info.proposal);
        views.push(view);
    }
    let others = bundle.length() - views.len().min(bundle.length());
    views.extend((0..others).map(|_| ProposalView::bare("other", None, false)));
    Ok(views)
}

fn removal(info: &ProposalInfo<RemoveProposal>, roster: &Roster<'_>) -> Outcome<ProposalView> {
    let index = info.proposal.to_remove();
    let mut view = ProposalView::bare("remove", proposer(info.sender), by_reference(info));
    view.leaf_index = Some(index);
    view.leaf = Some(Leaf::new(
        index,
        &roster.member_with_index(index)?.signing_identity,
    )?);
    Ok(view)
}

fn addition(info: &ProposalInfo<AddProposal>) -> Outcome<ProposalView> {
    let mut view = ProposalView::bare("add", proposer(info.sender), by_reference(info));
    view.leaf = Some(Leaf::new(0, info.proposal.signing_identity())?);
    Ok(view)
}
