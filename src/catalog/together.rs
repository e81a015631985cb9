//! Changes that must be durable share their transactions: whoever finds the writer busy is taken along by whoever
//! comes next to it. The disk is waited for once for all of them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use rusqlite::Transaction;

/// A change, which may have to be made once more, alone.
pub(super) type Change = Box<dyn Fn(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

/// The changes that wait for the writer.
#[derive(Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    change: Change,
    outcome: SyncSender<rusqlite::Result<()>>,
}

/// Where the one who waits learns what became of the change.
pub(super) struct Ticket(Receiver<rusqlite::Result<()>>);

impl Ticket {
    /// What became of the change; `None` while it waits.
    pub(super) fn outcome(&self) -> Option<rusqlite::Result<()>> {
        self.0.try_recv().ok()
    }
}

impl Together {
    /// Joins those that wait.
    pub(super) fn join(&self, change: Change) -> Ticket {
        let (outcome, told) = sync_channel(1);
        self.lock().push(Waiting { change, outcome });
        Ticket(told)
    }

    /// Makes all changes that wait, in the order in which they came, by `transact`: one transaction that holds all of
    /// what it is given, or nothing of it. Where all together fail, each is tried alone, so that none fails for
    /// another one's sake. Called by the holder of the writer only.
    pub(super) fn make_all(&self, mut transact: impl FnMut(&[&Change]) -> rusqlite::Result<()>) {
        let waiting = std::mem::take(&mut *self.lock());
        let changes: Vec<&Change> = waiting.iter().map(|waiting| &waiting.change).collect();
        let are_made = changes.len() > 1 && transact(&changes).is_ok();
        for Waiting { change, outcome } in &waiting {
            let made = if are_made { Ok(()) } else { transact(&[change]) };
            // Whoever is gone needs no answer.
            let _ = outcome.send(made);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::database::Database;
    use super::*;

    fn insert(name: &'static str) -> Change {
        Box::new(move |transaction| {
            transaction.execute("INSERT INTO projects (name) VALUES (?1)", [name])?;
            Ok(())
        })
    }

    fn names(database: &Database) -> Vec<String> {
        let read = database.read(|connection| {
            let mut statement = connection.prepare("SELECT name FROM projects ORDER BY id")?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect()
        });
        read.unwrap()
    }

    #[test]
    fn those_that_wait_share_a_transaction_and_fail_alone() {
        let database = Database::in_memory().unwrap();
        let together = Together::default();
        let tickets = ["a", "b", "a", "c"].map(|name| together.join(insert(name)));
        assert!(tickets[0].outcome().is_none());
        let mut sizes = Vec::new();
        together.make_all(|changes| {
            sizes.push(changes.len());
            let all =
                |transaction: &Transaction<'_>| changes.iter().try_for_each(|change| change(transaction));
            database
                .write(super::super::database::Durability::Acknowledged, all)
                .map_err(|_| rusqlite::Error::InvalidQuery)
        });
        let made: Vec<bool> = tickets
            .iter()
            .map(|ticket| ticket.outcome().unwrap().is_ok())
            .collect();
        assert_eq!(made, [true, true, false, true], "the name that came twice fails");
        assert_eq!(sizes, [4, 1, 1, 1, 1]);
        assert_eq!(names(&database), ["a", "b", "c"]);
    }

    #[test]
    fn many_writers_are_all_served_by_fewer_transactions() {
        let scratch = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(&PathBuf::from(scratch.path()).join("catalog.db")).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let database = &database;
                scope.spawn(move || {
                    for number in 0..20 {
                        let name = format!("p{writer}-{number}");
                        let change: Change = Box::new(move |transaction| {
                            transaction.execute("INSERT INTO projects (name) VALUES (?1)", [&name])?;
                            Ok(())
                        });
                        database.write_together(change).unwrap();
                    }
                });
            }
        });
        assert_eq!(names(&database).len(), 160);
    }
}
