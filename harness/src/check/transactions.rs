//! The verdict about a history of transactions.

use std::path::Path;

use checker::format::transactions::{ReadTransactions, Reader};
use checker::format::{Format, ParseError};
use checker::models::Family;
use checker::transactional::{self, Level, Outcome, Transactions};
use checker::{Limit, ModelName};

use super::{Allowance, Begun, HistoryError, Question};
use crate::allocator;

/// A history of transactions.
#[derive(Debug)]
pub struct Asked {
    /// The transactions; none if the budget was spent before they were read.
    pub transactions: Transactions,
    /// What they do: append to lists, or write registers.
    pub model: ModelName,
    /// How the model was found, if it was not named.
    pub found: Option<String>,
    /// The line at which the file is torn, if it is.
    pub torn: Option<u64>,
    /// Why reading stopped before the end, in a sentence.
    pub cut: Option<String>,
}

impl Asked {
    /// Decides all levels.
    pub fn judge(&self) -> Outcome {
        allocator::give_back();
        transactional::check(&self.transactions, self.model)
    }
}

/// The level that is asked about, where none is named.
pub const DEFAULT_LEVEL: Level = Level::StrongSerializable;

pub(super) fn read(
    begun: Begun,
    path: &Path,
    question: &Question,
    allowance: Allowance,
) -> Result<Asked, HistoryError> {
    refuse_format(path, question.format)?;
    let unreadable = |reason| HistoryError::Unreadable { path: path.to_owned(), reason };
    let malformed = |reason| HistoryError::Malformed { path: path.to_owned(), reason };
    let Begun { mut file, mut piece, mut length } = begun;
    let mut reader = Reader::new();
    let cut = loop {
        if length == 0 {
            break allowance.time_left().is_zero().then_some(Limit::Stopped);
        }
        reader.feed(&piece[..length]).map_err(malformed)?;
        if let Some(limit) = allowance.spent(reader.memory_bytes()) {
            break Some(limit);
        }
        length = file.fill(&mut piece).map_err(unreadable)?;
    };
    let asked = question.model.filter(|model| model.info().family == Family::Transactional);
    if let Some(limit) = cut {
        let memory = reader.memory_bytes();
        let sentence = allowance.told_of_reading(limit, file.read, file.bytes, memory);
        let transactions = Transactions::default();
        let model = asked.unwrap_or(ModelName::ListAppend);
        return Ok(Asked { transactions, model, found: None, torn: None, cut: Some(sentence) });
    }
    let read = match reader.finish() {
        Err(ParseError::NoEvents) => None,
        read => Some(read.map_err(malformed)?),
    };
    let Some(ReadTransactions { transactions, model, torn }) = read else {
        let (transactions, model) =
            (Transactions::default(), asked.unwrap_or(ModelName::ListAppend));
        return Ok(Asked { transactions, model, found: None, torn: None, cut: None });
    };
    if let (Some(asked), Some(is)) = (asked, model)
        && asked != is
    {
        let (is, asked) = (is.name(), asked.name());
        return Err(HistoryError::OtherModel { path: path.to_owned(), is, asked });
    }
    let found = model.filter(|_| asked.is_none()).map(|model| {
        format!("the model is {}, by the micro-operations of the history", model.name())
    });
    let model = asked.or(model).unwrap_or(ModelName::ListAppend);
    Ok(Asked { transactions, model, found, torn, cut: None })
}

fn refuse_format(path: &Path, format: Option<Format>) -> Result<(), HistoryError> {
    let Some(format) = format.filter(|it| !matches!(it, Format::Edn | Format::JepsenJson)) else {
        return Ok(());
    };
    let name = Format::NAMES.iter().find(|(_, known)| *known == format).map_or("this", |it| it.0);
    Err(HistoryError::NoTransactions { path: path.to_owned(), format: name })
}
