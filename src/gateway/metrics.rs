//! `/metrics`: a snapshot of the core as Prometheus' text format 0.0.4.
//!
//! Pure. Invariants: built from one snapshot at scrape time, in registries of its own, so nothing is cached and
//! nothing is global; each family is named, explained and typed once; labels are `program`, `group` and closed sets,
//! never a pid or a text; what is not known is left out.
//! Not here: the families (`families`), asking for the snapshot (`route`), counting (`engine`, `daemon`).

mod families;

use crate::control::{ProcessInfo, Snapshot};
use crate::types::Signal;
use families::{FAMILIES, Family, Values, float};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Registry, TextEncoder};
use std::collections::HashMap;
use std::sync::Arc;

/// Prometheus 3 refuses an answer without it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Renders a snapshot.
///
/// # Errors
/// When a family had a name or a label that is none, which a test excludes.
pub fn render(snapshot: Snapshot) -> prometheus::Result<String> {
    let snapshot = Arc::new(snapshot);
    let mut text = String::new();
    for family in FAMILIES {
        // Each family has its own registry: a sample takes half a kilobyte until it is text.
        let registry = Registry::new();
        registry.register(Box::new(SnapshotCollector::new(Arc::clone(&snapshot), family)?))?;
        TextEncoder::new().encode_utf8(&registry.gather(), &mut text)?;
    }
    Ok(text)
}

/// One family of one snapshot.
struct SnapshotCollector {
    snapshot: Arc<Snapshot>,
    family: &'static Family,
    description: Desc,
}

impl SnapshotCollector {
    fn new(snapshot: Arc<Snapshot>, family: &'static Family) -> prometheus::Result<SnapshotCollector> {
        let (name, help, _, values) = family;
        let labels: &[&str] = match values {
            Values::Process(_) => &["group", "program"],
            Values::Labelled(label, _) => &["group", "program", label],
            Values::Daemon(_) => &[],
            Values::Signals(_) => &["signal"],
            Values::Build => &["revision", "version"],
        };
        let labels = labels.iter().map(ToString::to_string).collect();
        let description = Desc::new((*name).to_owned(), (*help).to_owned(), labels, HashMap::new())?;
        Ok(SnapshotCollector { snapshot, family, description })
    }
}

impl Collector for SnapshotCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![collect_family(self.family, &self.snapshot)]
    }
}

fn collect_family((name, help, kind, values): &Family, snapshot: &Snapshot) -> MetricFamily {
    let processes = || snapshot.processes.iter();
    let metrics = match values {
        Values::Process(value) => {
            processes().filter_map(|p| Some(metric(*kind, of_process(p), value(p)?))).collect()
        }
        Values::Labelled(label, values) => processes()
            .flat_map(|p| {
                values(p).into_iter().map(|(text, value)| {
                    let mut labels = of_process(p);
                    labels.push(pair(label, &text));
                    metric(*kind, labels, value)
                })
            })
            .collect(),
        Values::Daemon(value) => {
            value(&snapshot.daemon).map(|v| metric(*kind, Vec::new(), v)).into_iter().collect()
        }
        Values::Signals(values) => {
            let of = |(signal, n): &(Signal, u64)| {
                metric(*kind, vec![pair("signal", &signal.to_string())], float(*n))
            };
            values(&snapshot.daemon).iter().map(of).collect()
        }
        Values::Build => vec![metric(*kind, build_labels(), 1.0)],
    };
    let mut family = MetricFamily::default();
    family.set_name((*name).to_owned());
    family.set_help((*help).to_owned());
    family.set_field_type(*kind);
    family.set_metric(metrics);
    family
}

fn build_labels() -> Vec<LabelPair> {
    let revision = option_env!("MAINSTAY_REVISION").map(|r| pair("revision", r));
    revision.into_iter().chain([pair("version", env!("CARGO_PKG_VERSION"))]).collect()
}

fn of_process(p: &ProcessInfo) -> Vec<LabelPair> {
    vec![pair("group", &p.group), pair("program", &p.name)]
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

fn metric(kind: MetricType, labels: Vec<LabelPair>, value: f64) -> Metric {
    let mut metric = Metric::from_label(labels);
    if kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

#[cfg(test)]
mod tests;
