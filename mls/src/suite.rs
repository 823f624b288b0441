//! Suite 0x0001 and nothing else: X25519, AES-128-GCM, SHA-256, Ed25519.

use ed25519_dalek::SigningKey;
use mls_rs::crypto::{SignaturePublicKey, SignatureSecretKey};
use mls_rs::identity::basic::BasicCredential;
use mls_rs::identity::SigningIdentity;
use mls_rs::{CipherSuite, CipherSuiteProvider, CryptoProvider, MlsMessage};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;
use zeroize::Zeroizing;

use crate::failure::{refused, Outcome};
use crate::limits::{at_most, MAX_CREDENTIAL, MAX_MESSAGE};

/// The one suite.
pub const SUITE: CipherSuite = CipherSuite::CURVE25519_AES128;

/// A provider that knows the one suite only.
pub fn crypto() -> RustCryptoProvider {
    RustCryptoProvider::with_enabled_cipher_suites(vec![SUITE])
}

/// The one suite's operations.
pub fn suite() -> Outcome<impl CipherSuiteProvider> {
    crypto()
        .cipher_suite_provider(SUITE)
        .ok_or_else(|| refused("internal", "the cipher suite is missing"))
}

/// Ed25519 keys of a 32-byte seed; the crate wants seed and public key as one secret.
pub fn signature_keys(seed: &[u8]) -> Outcome<(SignatureSecretKey, SignaturePublicKey)> {
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(
        seed.try_into()
            .map_err(|_| refused("bad-signature-key", "the seed is not 32 bytes"))?,
    );
    let key = SigningKey::from_bytes(&seed);
    let pair = Zeroizing::new(key.to_keypair_bytes());
    Ok((
        SignatureSecretKey::from(pair.to_vec()),
        SignaturePublicKey::from(key.verifying_key().to_bytes().to_vec()),
    ))
}

/// A basic credential with its key.
pub fn identity(credential: &[u8], key: SignaturePublicKey) -> Outcome<SigningIdentity> {
    at_most("credential", credential.len(), MAX_CREDENTIAL)?;
    if credential.is_empty() {
        return Err(refused("bad-credential", "the credential is empty"));
    }
    let credential = BasicCredential::new(credential.to_vec()).into_credential();
    Ok(SigningIdentity::new(credential, key))
}

/// The identity bytes of a basic credential; any other kind is refused.
pub fn credential_of(identity: &SigningIdentity) -> Outcome<&[u8]> {
    let basic = identity
        .credential
        .as_basic()
        .ok_or_else(|| refused("identity-refused", "the credential is not basic"))?;
    at_most("credential", basic.identifier.len(), MAX_CREDENTIAL)?;
    Ok(&basic.identifier)
}

/// Decodes one MLSMessage, its size judged first; trailing bytes are refused.
pub fn decode(message: &[u8]) -> Outcome<MlsMessage> {
    at_most("message", message.len(), MAX_MESSAGE)?;
    Ok(MlsMessage::from_bytes(message)?)
}
