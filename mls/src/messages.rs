//! What needs no group: reading a message's outside, keys and key packages.

use mls_rs::group::{ContentType, Sender};
use mls_rs::mls_rs_codec::{MlsDecode, MlsEncode, MlsSize};
use mls_rs::{MlsMessage, MlsMessageDescription, WireFormat};
use mls_rs_core::key_package::KeyPackageData;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::failure::{attached, refused, Outcome};
use crate::limits::{at_most, MAX_STATE};
use crate::results::{KeyPackage, MessageInfo};
use crate::suite::{decode, signature_keys, suite};

/// The private half of a key package, as the vault keeps it.
#[derive(MlsEncode, MlsDecode, MlsSize)]
pub struct PrivateRecord {
    #[mls_codec(with = "mls_rs::mls_rs_codec::byte_vec")]
    pub reference: Vec<u8>,
    pub data: KeyPackageData,
}

impl PrivateRecord {
    /// Encodes for the vault.
    pub fn encode(&self) -> Outcome<Zeroizing<Vec<u8>>> {
        Ok(Zeroizing::new(self.mls_encode_to_vec()?))
    }

    /// Decodes what the vault kept.
    pub fn decode(record: &[u8]) -> Outcome<Self> {
        at_most("private part", record.len(), MAX_STATE)?;
        Ok(Self::mls_decode_exhaustive(record)?)
    }
}

/// A PrivateMessage up to its authenticated data, which the crate does not show (RFC 9420 §6.3).
#[derive(MlsDecode, MlsSize)]
struct PrivateOutside {
    _version: u16,
    _wire_format: u16,
    #[mls_codec(with = "mls_rs::mls_rs_codec::byte_vec")]
    _group_id: Vec<u8>,
    _epoch: u64,
    _content_type: u8,
    #[mls_codec(with = "mls_rs::mls_rs_codec::byte_vec")]
    authenticated_data: Vec<u8>,
}

/// The reference of a key package (RFC 9420 §5.2).
pub fn reference_of(message: &MlsMessage) -> Outcome<Vec<u8>> {
    let reference = message.key_package_reference(&suite()?)?;
    reference
        .map(|reference| reference.to_vec())
        .ok_or_else(|| refused("unexpected-message", "this is not a key package"))
}

fn content_name(content: ContentType) -> &'static str {
    match content {
        ContentType::Application => "application",
        ContentType::Proposal => "proposal",
        ContentType::Commit => "commit",
    }
}

fn inspect(bytes: &[u8]) -> Outcome<MessageInfo> {
    let message = decode(bytes)?;
    let mut info = MessageInfo {
        wire_format: "",
        content_type: None,
        group_id: None,
        epoch: None,
        sender: None,
        external: false,
        authenticated_data: None,
        references: Vec::new(),
    };
    match message.description() {
        MlsMessageDescription::PrivateProtocolMessage {
            group_id,
            epoch_id,
            content_type,
        } => {
            info.wire_format = "private-message";
            info.content_type = Some(content_name(content_type));
            info.group_id = Some(group_id.to_vec());
            info.epoch = Some(epoch_id);
            let outside = PrivateOutside::mls_decode(&mut &*bytes)?;
            info.authenticated_data = Some(outside.authenticated_data);
        }
        MlsMessageDescription::PublicProtocolMessage {
            group_id,
            epoch_id,
            content_type,
            sender,
            authenticated_data,
        } => {
            info.wire_format = "public-message";
            info.content_type = Some(content_name(content_type));
            info.group_id = Some(group_id.to_vec());
            info.epoch = Some(epoch_id);
            info.authenticated_data = Some(authenticated_data.to_vec());
            match sender {
                Sender::Member(index) => info.sender = Some(index),
                Sender::NewMemberCommit => info.external = true,
                _ => {}
            }
        }
        MlsMessageDescription::Welcome {
            key_package_refs, ..
        } => {
            info.wire_format = "welcome";
            info.references = key_package_refs.iter().map(|r| r.to_vec()).collect();
        }
        MlsMessageDescription::GroupInfo => {
            info.wire_format = "group-info";
            let group_info = message.as_group_info();
            let context = group_info.map(|group_info| group_info.group_context());
            info.group_id = context.map(|context| context.group_id.clone());
            info.epoch = context.map(|context| context.epoch);
        }
        MlsMessageDescription::KeyPackage => {
            info.wire_format = "key-package";
            info.references = vec![reference_of(&message)?];
        }
    }
    Ok(info)
}

/// See the .pyi.
#[pyfunction]
pub fn inspect_message(py: Python<'_>, message: &[u8]) -> PyResult<MessageInfo> {
    attached(py, || inspect(message))
}

/// See the .pyi.
#[pyfunction]
pub fn signature_public_key<'py>(py: Python<'py>, seed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let (_, public) = attached(py, || signature_keys(seed))?;
    Ok(PyBytes::new(py, &public))
}

/// See the .pyi.
#[pyfunction]
pub fn import_key_package(
    py: Python<'_>,
    message: &[u8],
    init_key: &[u8],
    leaf_key: &[u8],
) -> PyResult<KeyPackage> {
    attached(py, || {
        let decoded = decode(message)?;
        let reference = reference_of(&decoded)?;
        if decoded.wire_format() != WireFormat::KeyPackage {
            return Err(refused("unexpected-message", "this is not a key package"));
        }
        let package = decoded
            .into_key_package()
            .ok_or_else(|| refused("unexpected-message", "this is not a key package"))?;
        let not_after = package.expiration()?.seconds_since_epoch();
        let data = KeyPackageData::new(
            package.mls_encode_to_vec()?,
            init_key.to_vec().into(),
            leaf_key.to_vec().into(),
            not_after,
        );
        let record = PrivateRecord {
            reference: reference.clone(),
            data,
        };
        Ok(KeyPackage {
            message: message.to_vec(),
            reference,
            private: record.encode()?,
            not_after,
        })
    })
}
