//! The figures under the names by which operators know them, in Prometheus' text format.
//!
//! Everything is read when it is asked for; nothing here runs on the way of other requests.

use std::collections::HashMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

use super::{Kind, STATUS_CLASSES};
use crate::index::{Counts, Index};
use crate::measures::Durations;
use crate::server::error::ApiError;
use crate::server::state::State;

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// In front of every name.
const PREFIX: &str = "pkgctl";

const STATUS_NAMES: [&str; STATUS_CLASSES] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// All figures, as they are now.
pub(super) async fn text(state: &State) -> Result<String, ApiError> {
    let reading = Reading {
        counts: state.index().counts().await?,
        free_bytes: state.index().free_bytes().await,
        state: state.clone(),
    };
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(reading));
    let mut text = String::with_capacity(32 << 10);
    // Writing into memory has no way to fail.
    let _ = encode(&mut text, &registry);
    Ok(text)
}

/// One look at all figures.
struct Reading {
    state: State,
    counts: Counts,
    free_bytes: Option<u64>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reading")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        let index = self.state.index();
        sheet.info(
            "build",
            "Version of the program",
            &[("version", env!("CARGO_PKG_VERSION"))],
        )?;
        self.write_requests(&mut sheet)?;
        self.write_contents(&mut sheet)?;
        write_uploads(index, &mut sheet)?;
        write_caches(index, &mut sheet)?;
        write_folder_work(index, &mut sheet)
    }
}

impl Reading {
    fn write_requests(&self, sheet: &mut Sheet) -> fmt::Result {
        let metrics = self.state.metrics();
        let uptime = metrics.started.elapsed().as_secs();
        sheet.gauge("uptime", "Time since the start", Some(Unit::Seconds), uptime)?;
        let mut durations = Vec::new();
        let mut bytes = Vec::new();
        for kind in Kind::ALL {
            let answers = &metrics.answers[kind as usize];
            for (status, of_status) in STATUS_NAMES.into_iter().zip(&answers.by_status) {
                durations.push((vec![("kind", kind.name()), ("status", status)], of_status));
            }
            bytes.push((("kind", kind.name()), answers.body_bytes.total()));
        }
        sheet.durations(
            "http_request_duration",
            "Requests by kind and class of status, and how long each took until its answer began",
            &durations,
        )?;
        sheet.counters(
            "http_response_body",
            "Bytes of the bodies of answers, as announced",
            Some(Unit::Bytes),
            &bytes,
        )
    }

    fn write_contents(&self, sheet: &mut Sheet) -> fmt::Result {
        let ignored = self.state.index().ignored_files();
        sheet.gauge(
            "projects",
            "Projects with at least one file",
            None,
            self.counts.projects,
        )?;
        sheet.gauge("files", "Distributions that are listed", None, self.counts.files)?;
        sheet.gauge(
            "ignored_files",
            "Files in the folders that are no distributions",
            None,
            ignored,
        )?;
        match self.free_bytes {
            Some(free) => sheet.gauge(
                "upload_space",
                "Bytes that uploads may take",
                Some(Unit::Bytes),
                free,
            ),
            None => Ok(()),
        }
    }
}

fn write_uploads(index: &Index, sheet: &mut Sheet) -> fmt::Result {
    let uploads = &index.statistics().uploads;
    let outcomes = [
        ("stored", &uploads.stored),
        ("unchanged", &uploads.unchanged),
        ("replaced", &uploads.replaced),
        ("refused", &uploads.refused),
        ("failed", &uploads.failed),
    ]
    .map(|(outcome, counter)| (("outcome", outcome), counter.total()));
    sheet.counters(
        "uploads",
        "Uploads that arrived whole, by what became of them",
        None,
        &outcomes,
    )?;
    let bytes = uploads.bytes.total();
    sheet.counter(
        "uploaded",
        "Bytes of uploads that were stored",
        Some(Unit::Bytes),
        bytes,
    )
}

fn write_caches(index: &Index, sheet: &mut Sheet) -> fmt::Result {
    let statistics = index.statistics();
    let bytes = index.cached_bytes();
    let [pages, files] = [("cache", "pages"), ("cache", "files")];
    let hits = [
        (pages, statistics.page_hits.total()),
        (files, statistics.file_hits.total()),
    ];
    let misses = [
        (pages, statistics.page_misses.total()),
        (files, statistics.file_misses.total()),
    ];
    sheet.counters(
        "cache_hits",
        "Answers that were there ready in memory",
        None,
        &hits,
    )?;
    sheet.counters(
        "cache_misses",
        "Answers that had to be made or read",
        None,
        &misses,
    )?;
    let sizes = [(pages, bytes.pages), (files, bytes.files)];
    sheet.gauges(
        "cache_size",
        "Bytes that are kept in memory",
        Some(Unit::Bytes),
        &sizes,
    )
}

fn write_folder_work(index: &Index, sheet: &mut Sheet) -> fmt::Result {
    let statistics = index.statistics();
    sheet.durations(
        "folder_scan_duration",
        "Listings of the folders, and how long each took until the catalog had followed",
        &[(vec![], &statistics.scans)],
    )?;
    let catalog = &statistics.catalog;
    sheet.durations(
        "catalog_duration",
        "Work of the catalog by what it does, and how long each piece took",
        &[
            (vec![("work", "read")], &catalog.reads),
            (vec![("work", "write")], &catalog.writes),
        ],
    )?;
    let changes = statistics.changes.total();
    sheet.counter(
        "folder_changes",
        "Changes of single files that were looked at",
        None,
        changes,
    )?;
    sheet.durations(
        "file_reading_duration",
        "Files that were read for digest and metadata, and how long each took",
        &[(vec![], &statistics.readings)],
    )
}

type Label = (&'static str, &'static str);
type NoLabels = [Label; 0];

/// Writes figures; each method makes one family of them.
struct Sheet<'a>(DescriptorEncoder<'a>);

impl Sheet<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        kind: MetricType,
        write: impl FnOnce(MetricEncoder) -> fmt::Result,
    ) -> fmt::Result {
        write(self.0.encode_descriptor(name, help, unit.as_ref(), kind)?)
    }

    fn info(&mut self, name: &str, help: &str, labels: &[Label]) -> fmt::Result {
        self.family(name, help, None, MetricType::Info, |mut encoder| {
            encoder.encode_info(&labels)
        })
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<Unit>, total: u64) -> fmt::Result {
        self.family(name, help, unit, MetricType::Counter, |mut encoder| {
            encoder.encode_counter::<NoLabels, _, u64>(&total, None)
        })
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        totals: &[(Label, u64)],
    ) -> fmt::Result {
        self.family(name, help, unit, MetricType::Counter, |mut encoder| {
            for (label, total) in totals {
                encoder
                    .encode_family(&[*label])?
                    .encode_counter::<NoLabels, _, u64>(total, None)?;
            }
            Ok(())
        })
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<Unit>, value: u64) -> fmt::Result {
        self.family(name, help, unit, MetricType::Gauge, |mut encoder| {
            encoder.encode_gauge(&value)
        })
    }

    fn gauges(&mut self, name: &str, help: &str, unit: Option<Unit>, values: &[(Label, u64)]) -> fmt::Result {
        self.family(name, help, unit, MetricType::Gauge, |mut encoder| {
            for (label, value) in values {
                encoder.encode_family(&[*label])?.encode_gauge(value)?;
            }
            Ok(())
        })
    }

    /// Classes that nothing fell into so far are left out: they would be most of the text.
    fn durations(&mut self, name: &str, help: &str, all: &[(Vec<Label>, &Durations)]) -> fmt::Result {
        self.family(
            name,
            help,
            Some(Unit::Seconds),
            MetricType::Histogram,
            |mut encoder| {
                for (labels, durations) in all {
                    let told = durations.distribution();
                    if told.count == 0 && !labels.is_empty() {
                        continue;
                    }
                    let no_exemplars: Option<&HashMap<usize, Exemplar<NoLabels, f64>>> = None;
                    encoder.encode_family(&labels.as_slice())?.encode_histogram(
                        told.sum_seconds,
                        told.count,
                        &told.classes,
                        no_exemplars,
                    )?;
                }
                Ok(())
            },
        )
    }
}
