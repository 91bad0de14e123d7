//! Placements that were read lately, as they are sent: they never change, so the database need not be asked again until
//! some are deleted.

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::etag::ETag;
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;

/// How much is kept.
const MOST_BYTES: u64 = 64 << 20;
/// For how many placements room is set aside at first.
const EXPECTED: usize = 1024;

/// The placements.
pub struct Shelf(Cache<Id, Shelved, Size>);

/// A placement as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Shelved {
    /// Whose it is.
    tenant: Tenant,
    /// How many deletions of placements there had been when it was read.
    deletions: u64,
    /// Its tag.
    pub(super) etag: ETag,
    /// The answer's body.
    pub(super) body: Bytes,
}

#[derive(Clone)]
struct Size;

impl Weighter<Id, Shelved> for Size {
    fn weight(&self, _id: &Id, shelved: &Shelved) -> u64 {
        shelved.body.len() as u64
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, MOST_BYTES, Size))
    }
}

impl Shelf {
    /// A tenant's placement, if it is here and none was deleted since: then it may be gone.
    pub(super) fn get(&self, tenant: &Tenant, id: &Id, deletions: u64) -> Option<Shelved> {
        self.0.get(id).filter(|shelved| shelved.tenant == *tenant && shelved.deletions == deletions)
    }

    /// Keeps a tenant's placement, read after so many deletions.
    pub(super) fn put(&self, tenant: &Tenant, id: &Id, body: String, deletions: u64) -> Shelved {
        let shelved = Shelved { tenant: tenant.clone(), deletions, etag: ETag::new(id), body: body.into() };
        self.0.insert(id.clone(), shelved.clone());
        shelved
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({} placements)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::IdKind;
    use uuid::Uuid;

    #[test]
    fn a_placement_is_found_by_its_tenant_alone() {
        let (shelf, id) = (Shelf::default(), Id::new(IdKind::Placement, Uuid::from_u128(1)));
        let (roof, cellar) = (Tenant::parse("roof").unwrap(), Tenant::parse("cellar").unwrap());
        assert!(shelf.get(&roof, &id, 0).is_none());
        shelf.put(&roof, &id, "{}".to_owned(), 0);
        assert_eq!(shelf.get(&roof, &id, 0).unwrap().body, "{}");
        assert!(shelf.get(&cellar, &id, 0).is_none());
        assert!(shelf.get(&roof, &id, 1).is_none());
    }

    #[test]
    fn what_is_kept_stays_within_its_room() {
        let (shelf, tenant) = (Shelf::default(), Tenant::default());
        for number in 0..200 {
            shelf.put(&tenant, &Id::new(IdKind::Placement, Uuid::from_u128(number)), "x".repeat(1 << 20), 0);
        }
        assert!(shelf.0.weight() <= MOST_BYTES, "{}", shelf.0.weight());
        assert!(!shelf.0.is_empty());
    }
}
