//! Many files: several at a time, and what stands when one fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::StatusCode;

use super::confirm::{Listed, Listing};
use super::distribution::Distribution;
use super::order::{Queue, Turn, in_order};
use super::progress::{Outcome, Progress};
use super::report::{Report, State};
use super::{Client, Error, UploadError};
use crate::causes::in_one_line;

/// Uploads `distributions`, up to [`Settings::jobs`](super::Settings::jobs) at a time. Releases keep the order in
/// which they are given; within one, sdists go when all wheels are there. After a failure nothing more is begun, and
/// what is under way is brought to its end. When all are there the index is asked whether it lists them.
///
/// # Errors
/// [`Error::Upload`] with the first failure, [`Error::NotListed`]; `report` has all of them.
pub async fn publish(
    client: &Client,
    distributions: &[Distribution],
    progress: &Arc<dyn Progress>,
    report: &mut Report,
) -> Result<(), Error> {
    let ordered = in_order(distributions);
    *report = Report::of(&ordered);
    let present = if client.settings.skip_existing {
        client.present(&ordered, report).await?
    } else {
        BTreeMap::new()
    };
    client.send(&ordered, &present, progress, report).await?;
    if client.settings.verify {
        client.verify(&ordered, progress, report).await?;
    }
    Ok(())
}

impl Client {
    /// Which of the files the index lists already, asked before anything is sent, by their place in the order. An
    /// index that can't be read is no obstacle: its answers to the uploads will tell.
    async fn present(
        &self,
        ordered: &[&Distribution],
        report: &mut Report,
    ) -> Result<BTreeMap<usize, Outcome>, Error> {
        let pages = self.pages(ordered).await;
        let mut present = BTreeMap::new();
        let mut first_failure = None;
        for (place, distribution) in ordered.iter().enumerate() {
            let Listing { listed, url } = pages.look_up(distribution);
            let file = &mut report.files[place];
            match listed {
                Listed::Same | Listed::SameByMd5 => {
                    file.is_verified = listed == Listed::Same;
                    file.url = url;
                    present.insert(place, listed.already_there());
                }
                Listed::Other(theirs) => {
                    let ours = distribution.sha256.to_string();
                    let error = UploadError::OtherContent { ours, theirs };
                    file.state = State::Failed(in_one_line(&error));
                    first_failure = first_failure.or(Some(self.failed(distribution, error)));
                }
                Listed::Absent | Listed::Unknown(_) => {}
            }
        }
        first_failure.map_or(Ok(present), Err)
    }

    /// Uploads everything that is not `present`, several files at a time.
    async fn send(
        &self,
        ordered: &[&Distribution],
        present: &BTreeMap<usize, Outcome>,
        progress: &Arc<dyn Progress>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut queue = Queue::of(ordered);
        let mut under_way = FuturesUnordered::new();
        let mut first_failure = None;
        loop {
            while first_failure.is_none() && under_way.len() < self.settings.jobs.get() {
                let Some(turn) = queue.next() else { break };
                let known = present.get(&turn.file).copied();
                if known.is_none() {
                    report.files[turn.file].state = State::UnderWay;
                }
                under_way.push(self.one(turn, known, ordered[turn.file], progress));
            }
            let Some((turn, ended)) = under_way.next().await else {
                break;
            };
            let distribution = ordered[turn.file];
            match ended {
                Ok(outcome) => {
                    queue.done(turn);
                    report.files[turn.file].state = State::Done(outcome);
                    progress.finished(distribution.filename(), distribution.size_bytes, outcome);
                }
                Err(error) => {
                    let hopeless = concerns_all(&error);
                    report.files[turn.file].state = State::Failed(in_one_line(&error));
                    progress.failed(distribution.filename());
                    first_failure = first_failure.or(Some(self.failed(distribution, error)));
                    if hopeless {
                        break;
                    }
                }
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn one(
        &self,
        turn: Turn,
        known: Option<Outcome>,
        distribution: &Distribution,
        progress: &Arc<dyn Progress>,
    ) -> (Turn, Result<Outcome, UploadError>) {
        let ended = match known {
            Some(outcome) => Ok(outcome),
            None => self.upload(distribution, progress).await,
        };
        (turn, ended)
    }

    pub(super) fn failed(&self, distribution: &Distribution, source: UploadError) -> Error {
        Error::Upload {
            filename: distribution.filename().to_owned(),
            destination: self.destination(),
            source: Box::new(source),
        }
    }
}

/// Whether the other files would end like this one. Wrong credentials sent once more only make a server more cautious.
fn concerns_all(error: &UploadError) -> bool {
    match error {
        UploadError::Refused(answer) => answer.status == StatusCode::UNAUTHORIZED,
        UploadError::RanOut { .. } => true,
        _ => false,
    }
}
