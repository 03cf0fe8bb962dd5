//! As much of EDN (the notation of Clojure's data) as histories are written in.

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edn {
    Nil,
    Boolean(bool),
    /// Whole numbers, as they stand.
    Integer(i128),
    /// Everything else that is one word: decimals, symbols, characters.
    Word(String),
    Keyword(String),
    String(String),
    /// Vectors and lists.
    Sequence(Vec<Edn>),
    Set(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

/// What is wrong, at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) found: String,
    pub(super) expected: &'static str,
    /// Whether the text ended too early.
    pub(super) torn: bool,
}

/// Values nested deeper than this are refused, so that no text can exhaust the stack.
const MAX_DEPTH: usize = 64;

impl Edn {
    /// The entry of a map under a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&Edn> {
        let Edn::Map(entries) = self else { return None };
        let named = |(key, _): &&(Edn, Edn)| matches!(key, Edn::Keyword(k) if k == keyword);
        entries.iter().find(named).map(|(_, value)| value)
    }

    /// One text for equal values: EDN without superfluous blanks.
    pub(super) fn canonical(&self) -> String {
        let join = |items: &[Edn]| -> String {
            items.iter().map(Edn::canonical).collect::<Vec<_>>().join(" ")
        };
        match self {
            Edn::Nil => "nil".to_owned(),
            Edn::Boolean(value) => value.to_string(),
            Edn::Integer(value) => value.to_string(),
            Edn::Word(word) => word.clone(),
            Edn::Keyword(name) => format!(":{name}"),
            Edn::String(text) => format!("{text:?}"),
            Edn::Sequence(items) => format!("[{}]", join(items)),
            Edn::Set(items) => {
                let mut items: Vec<String> = items.iter().map(Edn::canonical).collect();
                items.sort();
                format!("#{{{}}}", items.join(" "))
            }
            Edn::Map(entries) => {
                let pair = |(key, value): &(Edn, Edn)| {
                    format!("{} {}", key.canonical(), value.canonical())
                };
                let mut entries: Vec<String> = entries.iter().map(pair).collect();
                entries.sort();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// Reads one value after another from a text.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Parser { text, at: 0 }
    }

    /// How far the text is read, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Passes over one character, if it is next after blanks.
    pub(super) fn skip_one(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// The next value; none at the end of the text.
    pub(super) fn next_value(&mut self) -> Result<Option<Edn>, Wrong> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(None) } else { self.value(0).map(Some) }
    }

    fn value(&mut self, depth: usize) -> Result<Edn, Wrong> {
        self.skip_blanks();
        if depth > MAX_DEPTH {
            return Err(self.wrong("values nested at most 64 deep"));
        }
        match self.peek() {
            Some('"') => self.string(),
            Some('[') => self.items(']', depth).map(Edn::Sequence),
            Some('(') => self.items(')', depth).map(Edn::Sequence),
            Some('{') => {
                let start = self.at;
                let items = self.items('}', depth)?;
                if items.len() % 2 == 1 {
                    self.at = start;
                    return Err(self.wrong("a map with a value for each key"));
                }
                let mut items = items.into_iter();
                let mut entries = Vec::new();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    entries.push((key, value));
                }
                Ok(Edn::Map(entries))
            }
            Some('#') => self.tagged(depth),
            None | Some(']' | ')' | '}') => Err(self.wrong("a value")),
            Some(_) => self.word(),
        }
    }

    /// `#{a set}`, or `#a.tag` before a value, which is the value.
    fn tagged(&mut self, depth: usize) -> Result<Edn, Wrong> {
        self.at += 1;
        if self.peek() == Some('{') {
            return self.items('}', depth).map(Edn::Set);
        }
        self.word()?;
        self.value(depth + 1)
    }

    fn items(&mut self, close: char, depth: usize) -> Result<Vec<Edn>, Wrong> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek() == Some(close) {
                self.at += 1;
                return Ok(items);
            }
            items.push(self.value(depth + 1)?);
        }
    }

    fn string(&mut self) -> Result<Edn, Wrong> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.bump().ok_or_else(|| self.wrong("the end of a string"))?;
            match c {
                '"' => return Ok(Edn::String(text)),
                '\\' => {
                    let escaped = self.bump().ok_or_else(|| self.wrong("an escaped character"))?;
                    text.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'u' => self.hexadecimal()?,
                        other => other,
                    });
                }
                c => text.push(c),
            }
        }
    }

    fn hexadecimal(&mut self) -> Result<char, Wrong> {
        let digits = self.text.get(self.at..self.at + 4);
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let c = code.and_then(char::from_u32);
        let c = c.ok_or_else(|| self.wrong("four hexadecimal digits"))?;
        self.at += 4;
        Ok(c)
    }

    fn word(&mut self) -> Result<Edn, Wrong> {
        let rest = &self.text[self.at..];
        let is_end = |c: char| c.is_whitespace() || ",[](){}\";".contains(c);
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        if word.is_empty() {
            return Err(self.wrong("a value"));
        }
        self.at += word.len();
        Ok(match word {
            "nil" => Edn::Nil,
            "true" => Edn::Boolean(true),
            "false" => Edn::Boolean(false),
            _ => match (word.strip_prefix(':'), word.parse()) {
                (Some(name), _) => Edn::Keyword(name.to_owned()),
                (None, Ok(number)) => Edn::Integer(number),
                (None, Err(_)) => Edn::Word(word.to_owned()),
            },
        })
    }

    /// Blanks, commas and comments.
    fn skip_blanks(&mut self) {
        while let Some(c) = self.peek() {
            if c.is_whitespace() || c == ',' {
                self.at += c.len_utf8();
            } else if c == ';' {
                let rest = &self.text[self.at..];
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn wrong(&self, expected: &'static str) -> Wrong {
        let found = match self.peek() {
            Some(c) => format!("{c:?}"),
            None => "the end".to_owned(),
        };
        Wrong { at: self.at, found, expected, torn: self.at == self.text.len() }
    }
}
