//! Addresses on the command line.

use cutpoint_export::Endpoint;

/// Parses `pi-1=10.0.0.2:7101`. Ids of nodes may hold an equals sign; addresses do not.
pub(super) fn of_node(text: &str) -> Result<(String, Endpoint), String> {
    let (node, address) = text.rsplit_once('=').ok_or("an address of a node is written as pi-1=10.0.0.2:7101")?;
    if node.is_empty() {
        return Err("the id of a node stands before =, as in pi-1=10.0.0.2:7101".to_owned());
    }
    Ok((node.to_owned(), address.parse()?))
}
