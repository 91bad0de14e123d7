//! Fairness: claims take tenants in turn.

use super::*;

impl Fixture {
    async fn insert_of(&self, tenant: &str, name: &str) -> Id {
        let id = RandomIds::default().id(IdKind::Job);
        let job = NewJob { tenant: Tenant::parse(tenant).unwrap(), ..new_job(name) };
        self.store.insert_job(id, job, most(1000)).await.unwrap().row.id
    }
}

#[tokio::test]
async fn a_tenant_with_many_jobs_does_not_delay_the_others() {
    let fixture = Fixture::new().await;
    for number in 0..5 {
        fixture.insert_of("many", &format!("many {number}")).await;
    }
    fixture.insert_of("few", "few 0").await;
    fixture.insert_of("zoo", "zoo 0").await;
    fixture.insert_of("zoo", "zoo 1").await;

    let mut served = Vec::new();
    for _ in 0..8 {
        served.push(fixture.claim().await.job.tenant.to_string());
    }

    assert_eq!(served, ["few", "many", "zoo", "many", "zoo", "many", "many", "many"]);
}

#[tokio::test]
async fn the_jobs_of_a_tenant_are_claimed_in_their_order() {
    let fixture = Fixture::new().await;
    let first = [fixture.insert_of("b", "1").await, fixture.insert_of("b", "2").await];
    let later = fixture.insert_of("a", "3").await;
    let last = fixture.insert_of("b", "4").await;

    let mut claimed = Vec::new();
    for _ in 0..4 {
        claimed.push(fixture.claim().await.job.id);
    }

    assert_eq!(claimed, [later, first[0].clone(), first[1].clone(), last]);
}

#[tokio::test]
async fn a_server_that_starts_anew_begins_with_the_first_tenant() {
    let fixture = Fixture::new().await;
    fixture.insert_of("a", "1").await;
    fixture.insert_of("a", "2").await;
    fixture.insert_of("b", "3").await;
    assert_eq!(fixture.claim().await.job.tenant.as_str(), "a");
    let ids = Arc::new(RandomIds::default());
    let next = Store::open(&settings(&fixture.folder), fixture.clock.clone(), ids).await.unwrap();
    let claimed = next.claim_job("next", Duration::from_secs(15), None).await.unwrap().unwrap();
    assert_eq!(claimed.job.tenant.as_str(), "a");
}
