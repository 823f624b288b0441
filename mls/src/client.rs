//! One device. A crate client is built for every call: it is a handful of handles, and so every
//! group has a store of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mls_rs::client_builder::{
    BaseConfig, WithCryptoProvider, WithGroupStateStorage, WithIdentityProvider,
    WithKeyPackageRepo, WithMlsRules,
};
use mls_rs::crypto::{SignaturePublicKey, SignatureSecretKey};
use mls_rs::group::ExportedTree;
use mls_rs::mls_rs_codec::MlsDecode;
use mls_rs::psk::{ExternalPskId, PreSharedKey};
use mls_rs::{Extension, ExtensionList};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::failure::{attached, detached, refused, Outcome};
use crate::group::Group;
use crate::hooks::{Hooks, Identity};
use crate::limits::{
    at_most, time, CLOCK_SKEW, CONTEXT_EXTENSION, MAX_CONTEXT_DATA, MAX_GROUP_ID, MAX_MEMBERS,
    MAX_PLAINTEXT, MAX_STATE, MAX_TIME, MAX_TREE,
};
use crate::live::Live;
use crate::messages::{reference_of, PrivateRecord};
use crate::results::KeyPackage;
use crate::rules::{context_allowed, Rules};
use crate::skips::Skips;
use crate::stores::{GroupStore, KeyPackageStore};
use crate::suite::{credential_of, crypto, decode, identity, signature_keys, SUITE};
use crate::views::leaves;

/// The crate's configuration with our providers.
pub type Config = WithMlsRules<
    Rules,
    WithIdentityProvider<
        Identity,
        WithCryptoProvider<
            RustCryptoProvider,
            WithGroupStateStorage<GroupStore, WithKeyPackageRepo<KeyPackageStore, BaseConfig>>,
        >,
    >,
>;

/// See the .pyi.
#[pyclass(frozen, module = "doublelock_mls")]
pub struct Client {
    credential: Vec<u8>,
    secret: SignatureSecretKey,
    public: SignaturePublicKey,
    hooks: Arc<Hooks>,
    prior_epochs: u64,
    interop_psks: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// What one call works with.
struct Session {
    client: mls_rs::Client<Config>,
    store: GroupStore,
    rules: Rules,
}

impl Client {
    fn session(
        &self,
        store: GroupStore,
        packages: KeyPackageStore,
        lifetime: u64,
    ) -> Outcome<Session> {
        let rules = Rules::new(self.hooks.clone(), self.interop_psks.is_none());
        let mut builder = mls_rs::Client::builder()
            .key_package_repo(packages)
            .group_state_storage(store.clone())
            .crypto_provider(crypto())
            .identity_provider(Identity(self.hooks.clone()))
            .mls_rules(rules.clone())
            .extension_type(CONTEXT_EXTENSION.into())
            .key_package_lifetime(Duration::from_secs(lifetime))
            .signing_identity(
                identity(&self.credential, self.public.clone())?,
                self.secret.clone(),
                SUITE,
            );
        for (id, psk) in self.interop_psks.iter().flatten() {
            builder = builder.psk(
                ExternalPskId::new(id.clone()),
                PreSharedKey::new(psk.clone()),
            );
        }
        Ok(Session {
            client: builder.build(),
            store,
            rules,
        })
    }

    fn wrap(&self, session: Session, group: mls_rs::Group<Config>, removed: bool) -> Live {
        Live {
            group,
            store: session.store,
            rules: session.rules,
            strict: self.interop_psks.is_none(),
            prior_epochs: self.prior_epochs,
            tree_epoch: None,
            unwritten_commits: 0,
            removed,
            skips: Skips::default(),
        }
    }

    fn make_key_package(&self, now: u64, lifetime: u64) -> Outcome<KeyPackage> {
        let now = time(now)?.seconds_since_epoch();
        time(lifetime)?;
        let start = now.saturating_sub(CLOCK_SKEW);
        let lifetime = (now - start + lifetime).min(MAX_TIME);
        let packages = KeyPackageStore::default();
        let session = self.session(GroupStore::default(), packages.clone(), lifetime)?;
        let empty = ExtensionList::new;
        let message =
            session
                .client
                .generate_key_package_message(empty(), empty(), Some(start.into()))?;
        let (reference, data) = packages
            .take()
            .ok_or_else(|| refused("internal", "the key package was not stored"))?;
        if reference != reference_of(&message)? {
            return Err(refused("internal", "another key package was stored"));
        }
        let not_after = data.expiration;
        let record = PrivateRecord { reference, data };
        Ok(KeyPackage {
            message: message.to_bytes()?,
            private: record.encode()?,
            reference: record.reference,
            not_after,
        })
    }

    fn create(&self, group_id: &[u8], now: u64, context: Option<&[u8]>) -> Outcome<Live> {
        at_most("group id", group_id.len(), MAX_GROUP_ID)?;
        if group_id.is_empty() {
            return Err(refused("bad-group-id", "the group id is empty"));
        }
        let session = self.session(GroupStore::default(), KeyPackageStore::default(), MAX_TIME)?;
        let group = session.client.create_group_with_id(
            group_id.to_vec(),
            context_extensions(context)?,
            ExtensionList::new(),
            Some(time(now)?),
        )?;
        Ok(self.wrap(session, group, false))
    }

    fn enter(&self, welcome: &[u8], tree: &[u8], private: &[u8]) -> Outcome<(Live, u32)> {
        let welcome = decode(welcome)?;
        // Published vectors may carry the tree inside the Welcome.
        let tree = match (&self.interop_psks, tree) {
            (Some(_), []) => None,
            _ => Some(decode_tree(tree)?),
        };
        let record = PrivateRecord::decode(private)?;
        let packages = KeyPackageStore::with(record.reference, record.data);
        let session = self.session(GroupStore::default(), packages, 0)?;
        // No time: RFC 9420 §7.3 advises against judging old leaves by their lifetimes on joining.
        let (group, info) = session.client.join_group(tree, &welcome, None)?;
        let live = self.wrap(session, group, false);
        self.own_leaf(&live)?;
        self.judge(&live)?;
        Ok((live, info.sender))
    }

    fn resync(&self, info: &[u8], tree: &[u8], data: &[u8]) -> Outcome<(Live, Vec<u8>)> {
        let info = decode(info)?;
        let tree = decode_tree(tree)?;
        at_most("authenticated data", data.len(), MAX_PLAINTEXT)?;
        let mut old = None;
        for leaf in leaves(&tree)? {
            if leaf.credential == self.credential {
                old = Some(leaf.index);
            }
        }
        if old.is_none() && self.interop_psks.is_none() {
            return Err(refused(
                "not-a-member",
                "this device has no leaf there; somebody must add it",
            ));
        }
        let session = self.session(GroupStore::default(), KeyPackageStore::default(), MAX_TIME)?;
        // No time either: the new leaf's source is the commit, which carries no lifetime.
        let mut builder = session
            .client
            .external_commit_builder()?
            .with_tree_data(tree)
            .with_authenticated_data(data.to_vec());
        if let Some(old) = old {
            builder = builder.with_removal(old);
        }
        let (group, commit) = builder.build(info)?;
        let live = self.wrap(session, group, false);
        self.judge(&live)?;
        Ok((live, commit.to_bytes()?))
    }

    fn load(
        &self,
        state: &[u8],
        tree: &[u8],
        epochs: BTreeMap<u64, Zeroizing<Vec<u8>>>,
        sent: Option<(u64, u32)>,
    ) -> Outcome<Live> {
        at_most("state", state.len(), MAX_STATE)?;
        let tree = decode_tree(tree)?;
        let stored = Live::open_state(state)?;
        let group_id = stored.group_id;
        let store = GroupStore::with(stored.state, epochs);
        let session = self.session(store, KeyPackageStore::default(), 0)?;
        let group = session
            .client
            .load_group_with_ratchet_tree(&group_id, tree)?;
        if group.group_id() != group_id {
            return Err(refused("malformed", "the state is of another group"));
        }
        let mut live = self.wrap(session, group, stored.removed);
        live.skips.kept = stored.skipped;
        self.own_leaf(&live)?;
        live.tree_epoch = Some(live.group.context().epoch);
        if let Some((epoch, generation)) = sent {
            live.burn(epoch, generation)?;
        }
        Ok(live)
    }

    /// The crate would sign with this client's key; the leaf must be of that key.
    fn own_leaf(&self, live: &Live) -> Outcome<()> {
        let own = live.group.current_member_signing_identity()?;
        if credential_of(own)? != self.credential || own.signature_key != self.public {
            return Err(refused("not-a-member", "the own leaf is of another device"));
        }
        Ok(())
    }

    fn judge(&self, live: &Live) -> Outcome<()> {
        if self.interop_psks.is_some() {
            return Ok(());
        }
        context_allowed(&live.group.context().extensions)?;
        let members = live.group.roster().member_identities_iter().count();
        if members > MAX_MEMBERS {
            return Err(refused("too-many-members", "the group is too large"));
        }
        Ok(())
    }
}

/// Our extension alone, or nothing.
pub fn context_extensions(data: Option<&[u8]>) -> Outcome<ExtensionList> {
    let mut extensions = ExtensionList::new();
    if let Some(data) = data {
        at_most("context data", data.len(), MAX_CONTEXT_DATA)?;
        extensions.set(Extension::new(CONTEXT_EXTENSION.into(), data.to_vec()));
    }
    Ok(extensions)
}

/// A ratchet tree, its size judged first; trailing bytes are refused.
pub fn decode_tree(tree: &[u8]) -> Outcome<ExportedTree<'static>> {
    at_most("ratchet tree", tree.len(), MAX_TREE)?;
    Ok(ExportedTree::mls_decode_exhaustive(tree)?)
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (
        credential, signature_seed, identity_check, commit_check, *, prior_epochs=5,
        interop_psks=None
    ))]
    fn new(
        py: Python<'_>,
        credential: &[u8],
        signature_seed: &[u8],
        identity_check: Py<PyAny>,
        commit_check: Py<PyAny>,
        prior_epochs: u16,
        interop_psks: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
    ) -> PyResult<Self> {
        attached(py, || {
            let (secret, public) = signature_keys(signature_seed)?;
            identity(credential, public.clone())?;
            Ok(Self {
                credential: credential.to_vec(),
                secret,
                public,
                hooks: Hooks::new(identity_check, commit_check),
                prior_epochs: prior_epochs.into(),
                interop_psks,
            })
        })
    }

    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.credential)
    }

    #[getter]
    fn signature_key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.public)
    }

    #[pyo3(signature = (now, lifetime=7_776_000))]
    fn generate_key_package(
        &self,
        py: Python<'_>,
        now: u64,
        lifetime: u64,
    ) -> PyResult<KeyPackage> {
        detached(py, || self.make_key_package(now, lifetime))
    }

    #[pyo3(signature = (group_id, now, context_data=None))]
    fn create_group(
        &self,
        py: Python<'_>,
        group_id: &[u8],
        now: u64,
        context_data: Option<&[u8]>,
    ) -> PyResult<Group> {
        detached(py, || self.create(group_id, now, context_data)).map(Group::new)
    }

    fn join(
        &self,
        py: Python<'_>,
        welcome: &[u8],
        ratchet_tree: &[u8],
        private: &[u8],
    ) -> PyResult<(Group, u32)> {
        let (live, sender) = detached(py, || self.enter(welcome, ratchet_tree, private))?;
        Ok((Group::new(live), sender))
    }

    #[pyo3(signature = (group_info, ratchet_tree, authenticated_data=b"".as_slice()))]
    fn rejoin<'py>(
        &self,
        py: Python<'py>,
        group_info: &[u8],
        ratchet_tree: &[u8],
        authenticated_data: &[u8],
    ) -> PyResult<(Group, Bound<'py, PyBytes>)> {
        let (live, commit) = detached(py, || {
            self.resync(group_info, ratchet_tree, authenticated_data)
        })?;
        Ok((Group::new(live), PyBytes::new(py, &commit)))
    }

    #[pyo3(signature = (state, ratchet_tree, epochs=Vec::new(), sent=None))]
    fn load_group(
        &self,
        py: Python<'_>,
        state: &[u8],
        ratchet_tree: &[u8],
        epochs: Vec<(u64, Bound<'_, PyBytes>)>,
        sent: Option<(u64, u32)>,
    ) -> PyResult<Group> {
        let epochs = epochs
            .iter()
            .map(|(id, data)| (*id, Zeroizing::new(data.as_bytes().to_vec())))
            .collect();
        detached(py, || self.load(state, ratchet_tree, epochs, sent)).map(Group::new)
    }
}
