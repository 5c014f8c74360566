//! Chunks: the samples of one series over a day of steps, packed. They are counted from the epoch in
//! whole steps, so that a step which does not divide a day has chunks too, a little shorter than a day.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use weft_core::time::{Span, Step, Timestamp};

use crate::column::{self, Column};
use crate::sqlite::fault::Fault;

/// A value or gap, and whether it is censored.
pub(crate) type Value = (Option<f32>, bool);

/// The time that one chunk covers.
pub(super) fn span(step: Step) -> Span {
    step.span() * step.per_day() as i64
}

/// Start of the chunk in which an instant lies.
pub(super) fn start_of(at: Timestamp, step: Step) -> Timestamp {
    let span = span(step).as_millis();
    Timestamp::from_millis(at.as_millis().div_euclid(span) * span)
}

/// Writes values that begin at `at`, over what is there; a gap leaves what is there.
pub(super) fn merge(
    transaction: &Transaction<'_>,
    step: Step,
    id: u32,
    at: Timestamp,
    values: &[Value],
) -> Result<(), Fault> {
    let mut rest = values;
    let mut begins = at;
    while !rest.is_empty() {
        let start = start_of(begins, step);
        let offset = (begins - start).whole_steps(step);
        let (part, after) = rest.split_at((step.per_day() - offset).min(rest.len()));
        if part.iter().any(|(value, _)| value.is_some()) {
            merge_one(transaction, id, start, offset, part)?;
        }
        begins = start + span(step);
        rest = after;
    }
    Ok(())
}

fn merge_one(
    transaction: &Transaction<'_>,
    id: u32,
    start: Timestamp,
    offset: usize,
    part: &[Value],
) -> Result<(), Fault> {
    let mut whole = chunk(transaction, id, start)?;
    whole.resize(whole.len().max(offset + part.len()), (None, false));
    for (there, new) in whole[offset..].iter_mut().zip(part) {
        if new.0.is_some() {
            *there = *new;
        }
    }
    let Column { count, body, present, censored } = column::pack(&whole)
        .ok_or_else(|| Fault::damaged("a chunk that can be packed", "the samples"))?;
    let write = "INSERT OR REPLACE INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![id, start.as_millis(), count as i64, body, present, censored];
    transaction.prepare_cached(write)?.execute(values)?;
    Ok(())
}

fn chunk(connection: &Connection, id: u32, start: Timestamp) -> Result<Vec<Value>, Fault> {
    let query = "SELECT start, count, body, present, censored FROM chunks \
                 WHERE series = ?1 AND start = ?2";
    let mut statement = connection.prepare_cached(query)?;
    let there = statement.query_row(params![id, start.as_millis()], column_of).optional()?;
    there.map_or_else(|| Ok(Vec::new()), |(start, column)| unpacked(start, &column))
}

/// Hands over every sample of a series in the chunks that overlap `from..until`, in order.
pub(super) fn each(
    connection: &Connection,
    step: Step,
    id: u32,
    (from, until): (Timestamp, Timestamp),
    mut take: impl FnMut(Timestamp, Value),
) -> Result<(), Fault> {
    let query = "SELECT start, count, body, present, censored FROM chunks \
                 WHERE series = ?1 AND start >= ?2 AND start < ?3 ORDER BY start";
    let mut statement = connection.prepare_cached(query)?;
    let bounds = params![id, start_of(from, step).as_millis(), until.as_millis()];
    let mut rows = statement.query(bounds)?;
    while let Some(row) = rows.next()? {
        let (start, column) = column_of(row)?;
        for (index, value) in unpacked(start, &column)?.into_iter().enumerate() {
            take(start + step.span() * index as i64, value);
        }
    }
    Ok(())
}

fn column_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Timestamp, Column)> {
    let count: i64 = row.get(1)?;
    let (body, present, censored) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let count = usize::try_from(count).unwrap_or_default();
    Ok((Timestamp::from_millis(row.get(0)?), Column { count, body, present, censored }))
}

fn unpacked(start: Timestamp, column: &Column) -> Result<Vec<Value>, Fault> {
    let damaged = || Fault::damaged("a chunk of samples", &format!("the chunk of {start}"));
    column::unpack(column).ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_lie_on_the_grid_of_any_step() {
        let check = |seconds: i64, at: i64, start: i64, length: i64| {
            let step = Step::new(Span::from_seconds(seconds)).expect("a step");
            let found = start_of(Timestamp::from_seconds(at), step);
            assert_eq!(found, Timestamp::from_seconds(start), "{seconds} {at}");
            assert_eq!(found, found.floor(step), "it begins with a step");
            assert_eq!(span(step), Span::from_seconds(length), "{seconds}");
        };
        check(300, 86_400, 86_400, 86_400);
        check(300, 86_399, 0, 86_400);
        check(300, -1, -86_400, 86_400);
        check(420, 86_099, 0, 86_100);
        check(420, 86_100, 86_100, 86_100);
        check(604_800, 604_801, 604_800, 604_800);
    }
}
