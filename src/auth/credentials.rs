//! A user's name, a secret, and the two together as HTTP's Basic credentials (RFC 7617).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The longest name of a user, in bytes; what Apache's `htpasswd` takes.
pub const MAX_USERNAME_BYTES: usize = 255;

/// A password or token. It has no `Display`, its `Debug` shows stars, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the few places that must have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares without telling by its duration where the first difference is.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// The name of a user that can stand in a password file and in Basic credentials: 1 to 255 bytes, no `:`, no
/// control character, no white space at its ends, not starting with `#`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(Box<str>);

impl Username {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.is_empty() {
            return Err(UsernameError::Empty);
        }
        if text.len() > MAX_USERNAME_BYTES {
            return Err(UsernameError::TooLong);
        }
        if text.contains(':') {
            return Err(UsernameError::Colon);
        }
        if text.chars().any(char::is_control) {
            return Err(UsernameError::ControlCharacter);
        }
        if text.trim() != text {
            return Err(UsernameError::WhiteSpaceAtEnds);
        }
        if text.starts_with('#') {
            return Err(UsernameError::LooksLikeComment);
        }
        Ok(Self(text.into()))
    }
}

/// Why a text can't be the name of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Nothing at all.
    #[error("a user name can't be empty")]
    Empty,
    /// More than [`MAX_USERNAME_BYTES`].
    #[error("a user name can't be longer than {MAX_USERNAME_BYTES} bytes")]
    TooLong,
    /// The colon ends the name, in the file and in the header.
    #[error("a user name can't contain `:`")]
    Colon,
    /// A line end, a NUL or another control character.
    #[error("a user name can't contain a control character")]
    ControlCharacter,
    /// It would be lost by editors and readers that trim lines.
    #[error("a user name can't begin or end with white space")]
    WhiteSpaceAtEnds,
    /// Its line would be a comment.
    #[error("a user name can't begin with `#`")]
    LooksLikeComment,
}

/// Basic credentials: a name and a password, as RFC 7617 has them.
#[derive(Debug, Clone)]
pub struct Basic {
    /// Who it claims to be.
    pub username: Username,
    /// What is to prove it; may be empty.
    pub password: Secret,
}

impl Basic {
    /// Reads the value of an `Authorization` header. The scheme's name is taken in any case; the text must be UTF-8.
    ///
    /// # Errors
    /// Another scheme, bad base64, no colon, not UTF-8, or a name that can't be a user's.
    pub fn from_header(value: &[u8]) -> Result<Self, BasicError> {
        let (scheme, encoded) = value.split_at_checked(6).ok_or(BasicError::OtherScheme)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return Err(BasicError::OtherScheme);
        }
        let decoded = STANDARD
            .decode(encoded.trim_ascii())
            .map(Zeroizing::new)
            .map_err(|_| BasicError::NotBase64)?;
        let text = std::str::from_utf8(&decoded).map_err(|_| BasicError::NotUtf8)?;
        let (username, password) = text.split_once(':').ok_or(BasicError::NoColon)?;
        Ok(Self {
            username: username.parse()?,
            password: Secret::new(password),
        })
    }

    /// The value of an `Authorization` header, itself a secret.
    #[must_use]
    pub fn to_header(&self) -> Secret {
        let pair = Zeroizing::new(format!("{}:{}", self.username, self.password.expose()));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        Secret::new(format!("Basic {}", *encoded))
    }
}

/// Why the value of an `Authorization` header holds no Basic credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BasicError {
    /// Bearer, Digest, or no scheme at all.
    #[error("the credentials are not of the Basic scheme")]
    OtherScheme,
    /// The part after the scheme is not base64.
    #[error("the credentials are not base64")]
    NotBase64,
    /// What base64 hides is not UTF-8.
    #[error("the credentials are not UTF-8")]
    NotUtf8,
    /// No `:` between name and password.
    #[error("the credentials have no colon")]
    NoColon,
    /// No user can have that name.
    #[error("the credentials name an impossible user")]
    Username(#[from] UsernameError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        let basic = Basic {
            username: "alice".parse().unwrap(),
            password: secret,
        };
        assert!(!format!("{basic:?}").contains("hunter2"));
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        let long = "a".repeat(256);
        let cases = [
            ("", UsernameError::Empty),
            (long.as_str(), UsernameError::TooLong),
            ("a:b", UsernameError::Colon),
            ("a\nb", UsernameError::ControlCharacter),
            ("a\0", UsernameError::ControlCharacter),
            ("a\u{85}b", UsernameError::ControlCharacter),
            (" a", UsernameError::WhiteSpaceAtEnds),
            ("a\u{a0}", UsernameError::WhiteSpaceAtEnds),
            ("#a", UsernameError::LooksLikeComment),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Username>(), Err(error), "{text:?}");
        }
        for text in [
            "alice",
            "__token__",
            "Jörg Müller",
            "a@b.c",
            "o'neil",
            &"a".repeat(255),
        ] {
            assert_eq!(
                text.parse::<Username>().map(|name| name.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        // RFC 7617, section 2 and 2.1.
        let basic = Basic::from_header(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap();
        assert_eq!(
            (basic.username.as_str(), basic.password.expose()),
            ("Aladdin", "open sesame")
        );
        assert_eq!(basic.to_header().expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let utf8 = Basic::from_header("bAsIc dGVzdDoxMjPCow==".as_bytes()).unwrap();
        assert_eq!(utf8.password.expose(), "123\u{a3}");
    }

    #[test]
    fn other_headers_are_told_apart() {
        let header = |text: &[u8]| [b"Basic ", STANDARD.encode(text).as_bytes()].concat();
        let cases = [
            (b"Bearer abc".to_vec(), BasicError::OtherScheme),
            (b"Basic".to_vec(), BasicError::OtherScheme),
            (b"".to_vec(), BasicError::OtherScheme),
            (b"Basic !!".to_vec(), BasicError::NotBase64),
            (header(b"alice"), BasicError::NoColon),
            (header(b"alice:\xff"), BasicError::NotUtf8),
            (header(b":x"), BasicError::Username(UsernameError::Empty)),
            (
                header(b"a\nb:x"),
                BasicError::Username(UsernameError::ControlCharacter),
            ),
        ];
        for (value, error) in cases {
            assert_eq!(Basic::from_header(&value).err(), Some(error), "{value:?}");
        }
        assert!(
            Basic::from_header(&header(b"alice:"))
                .unwrap()
                .password
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(name in "[^:\\p{C}\\s#][^:\\p{C}\\s]{0,40}", password in "\\PC{0,60}") {
            let basic = Basic { username: name.parse().unwrap(), password: Secret::new(password.clone()) };
            let read = Basic::from_header(basic.to_header().expose().as_bytes()).unwrap();
            prop_assert_eq!(read.username.as_str(), name);
            prop_assert_eq!(read.password.expose(), password);
        }

        #[test]
        fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Basic::from_header(&value);
            let _ = Basic::from_header(&[b"Basic ", value.as_slice()].concat());
        }
    }
}
