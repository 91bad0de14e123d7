//! A node while an inventory is put together.

use super::address::Address;
use crate::cursor::{Cursor, shortened};
use crate::document::Node;
use crate::fault::Faults;
use crate::source::{Origin, Source};

/// A node of a list, with what identifies it in the files of other tools.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    pub(super) node: Node,
    pub(super) addresses: Vec<Address>,
    /// Where its figures come from, without those of its links.
    pub(super) sources: Vec<Source>,
    /// Why it takes no stages now.
    pub(super) reasons: Vec<String>,
    /// Something says that it is on a wireless network.
    pub(super) is_wireless: bool,
}

impl Candidate {
    /// Records where a figure of the node comes from.
    pub(super) fn source(&mut self, figure: &str, origin: Origin, tool: &str, cursor: &Cursor<'_>) {
        let source = Source::new(figure, origin).of(&self.node.id).by(tool, cursor.file).at(&cursor.pointer);
        self.sources.push(source);
    }

    /// Adds a label. Cutpoint has no empty labels: `true` stands for one.
    pub(super) fn label(&mut self, key: &str, value: &str) {
        if !key.is_empty() {
            let value = if value.is_empty() { "true" } else { value };
            self.node.labels.insert(shortened(key), shortened(value));
        }
    }

    /// Adds the address that a text is. Records a fault for any other text.
    pub(super) fn address(&mut self, cursor: &Cursor<'_>, faults: &mut Faults) {
        let Some(text) = cursor.text(faults) else { return };
        match Address::parse(text) {
            Some(address) => self.addresses.push(address),
            None => cursor.fault(faults, format!("{text:?} is neither an IP nor a MAC address"), "Give an address"),
        }
    }

    /// Takes `cutpoint/flops-per-s`, `cutpoint/device-class` and `cutpoint/addresses` from annotations or
    /// metadata, whose values are texts.
    pub(super) fn own_annotations(&mut self, annotations: &Cursor<'_>, tool: &str, faults: &mut Faults) {
        if let Some(cursor) = annotations.get("cutpoint/flops-per-s") {
            let number = cursor.text(faults).map(|text| (text, text.trim().parse::<f64>()));
            match number {
                Some((_, Ok(flops))) if (1e-100..=1e100).contains(&flops) => {
                    self.node.flops_per_s = Some(flops);
                    self.source("flops_per_s", Origin::Stated, tool, &cursor);
                }
                Some((text, _)) => {
                    let action = "Give operations per second as a number above 0, such as \"1.2e10\"";
                    cursor.fault(faults, format!("{text:?} is not allowed here"), action);
                }
                None => {}
            }
        }
        if let Some(cursor) = annotations.get("cutpoint/device-class") {
            self.device_class(&cursor, tool, faults);
        }
        if let Some(cursor) = annotations.get("cutpoint/addresses")
            && let Some(text) = cursor.text(faults)
        {
            for part in text.split(',') {
                match Address::parse(part) {
                    Some(address) => self.addresses.push(address),
                    None => {
                        let action = "Give IP or MAC addresses with commas between them";
                        cursor.fault(faults, format!("{part:?} is neither an IP nor a MAC address"), action);
                    }
                }
            }
        }
    }

    /// Takes the name under which profiles have the node's times.
    pub(super) fn device_class(&mut self, cursor: &Cursor<'_>, tool: &str, faults: &mut Faults) {
        if let Some(class) = cursor.id(faults) {
            self.node.device_class = Some(class.to_owned());
            self.source("device_class", Origin::Stated, tool, cursor);
        }
    }
}
