//! A cache of the answers with recently read placements. Placements are immutable, so that entries stay valid until a
//! placement is deleted.

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::http::headers::etag::ETag;

/// The most bytes of cached answers.
const MOST_BYTES: u64 = 64 << 20;
/// The initial capacity, in placements.
const EXPECTED: usize = 1024;

/// The cache.
pub struct PlacementCache(Cache<Id, CachedPlacement, Size>);

/// A cached answer.
#[derive(Debug, Clone)]
pub(crate) struct CachedPlacement {
    /// The tenant that owns the placement.
    tenant: Tenant,
    /// The number of deletions of placements when it was read.
    deletions: u64,
    /// The placement's tag.
    pub(crate) etag: ETag,
    /// The body of the answer.
    pub(crate) body: Bytes,
}

#[derive(Clone)]
struct Size;

impl Weighter<Id, CachedPlacement> for Size {
    fn weight(&self, _id: &Id, cached: &CachedPlacement) -> u64 {
        cached.body.len() as u64
    }
}

impl Default for PlacementCache {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, MOST_BYTES, Size))
    }
}

impl PlacementCache {
    /// Returns a tenant's placement if it is cached. An entry is stale once any placement was deleted, since it may be
    /// the deleted one.
    pub(crate) fn get(&self, tenant: &Tenant, id: &Id, deletions: u64) -> Option<CachedPlacement> {
        self.0.get(id).filter(|cached| cached.tenant == *tenant && cached.deletions == deletions)
    }

    /// Caches a tenant's placement that was read after this number of deletions.
    pub(crate) fn put(&self, tenant: &Tenant, id: &Id, body: String, deletions: u64) -> CachedPlacement {
        let cached = CachedPlacement { tenant: tenant.clone(), deletions, etag: ETag::new(id), body: body.into() };
        self.0.insert(id.clone(), cached.clone());
        cached
    }
}

impl std::fmt::Debug for PlacementCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlacementCache({} placements)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::IdKind;
    use uuid::Uuid;

    #[test]
    fn a_placement_is_found_by_its_tenant_alone() {
        let (cache, id) = (PlacementCache::default(), Id::new(IdKind::Placement, Uuid::from_u128(1)));
        let (roof, cellar) = (Tenant::parse("roof").unwrap(), Tenant::parse("cellar").unwrap());
        assert!(cache.get(&roof, &id, 0).is_none());
        cache.put(&roof, &id, "{}".to_owned(), 0);
        assert_eq!(cache.get(&roof, &id, 0).unwrap().body, "{}");
        assert!(cache.get(&cellar, &id, 0).is_none());
        assert!(cache.get(&roof, &id, 1).is_none());
    }

    #[test]
    fn what_is_kept_stays_within_its_room() {
        let (cache, tenant) = (PlacementCache::default(), Tenant::default());
        for number in 0..200 {
            cache.put(&tenant, &Id::new(IdKind::Placement, Uuid::from_u128(number)), "x".repeat(1 << 20), 0);
        }
        assert!(cache.0.weight() <= MOST_BYTES, "{}", cache.0.weight());
        assert!(!cache.0.is_empty());
    }
}
