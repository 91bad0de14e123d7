//! Plans ResNet50 on five devices through the generated client, then meets a 422 and a 404.

#[allow(clippy::all, dead_code, unused_imports)]
mod cutpoint {
    include!(concat!(env!("OUT_DIR"), "/cutpoint.rs"));
}

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use cutpoint::types::{
    ClusterInventory, Edge, FaultCode, Job, JobRequest, JobStatus, Layer, ModelProfile, Node, Placement, Problem,
    Status,
};
use cutpoint::{Client, Error as ClientError, ResponseValue};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect(&std::env::var("CUTPOINT_URL")?, std::env::var("CUTPOINT_KEY").ok().as_deref())?;
    let placement = plan(&client).await?.placement;
    let stages = || placement.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
    let nodes: Vec<&str> = stages().map(|stage| stage.node_id.as_str()).collect();
    assert_eq!(placement.status, Status::Optimal);
    assert_eq!(stages().map(|stage| stage.layer_ids.len()).sum::<usize>(), 177);
    println!("{} s on {}", placement.period_s.ok_or("a placement has a period")?, nodes.join(", "));
    meet_faults(&client).await
}

fn connect(url: &str, key: Option<&str>) -> Result<Client, Box<dyn Error>> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}"))?);
    }
    let http = reqwest::Client::builder().default_headers(headers).timeout(Duration::from_secs(60)).build()?;
    Ok(Client::new_with_client(url, http))
}

fn example<T: DeserializeOwned>(file: &str) -> Result<T, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples").join(file);
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

async fn plan(client: &Client) -> Result<Placement, Box<dyn Error>> {
    let profile: ModelProfile = example("models/ResNet50.json")?;
    let inventory: ClusterInventory = example("clusters/radio-5.json")?;
    let model = client.create_model().body(profile).send().await?.into_inner();
    let cluster = client.create_cluster().body(inventory).send().await?.into_inner();

    let (model_id, cluster_id) = (model.id.parse()?, cluster.id.parse()?);
    let request: JobRequest = JobRequest::builder().model_id(Some(model_id)).cluster_id(Some(cluster_id)).try_into()?;
    let key = uuid::Uuid::new_v4().to_string();
    let job = client.create_job().idempotency_key(key.as_str()).body(request.clone()).send().await?.into_inner();
    // A retry, as after an answer that was lost: the same job.
    let again =
        client.create_job().idempotency_key(key.as_str()).prefer("wait=5").body(request).send().await?.into_inner();
    assert_eq!(again.id, job.id);

    let job = wait(client, again).await?;
    assert_eq!(job.status, JobStatus::Succeeded);
    Ok(client
        .get_placement()
        .id(job.placement_id.ok_or("a job that succeeded has a placement")?)
        .send()
        .await?
        .into_inner())
}

async fn wait(client: &Client, mut job: Job) -> Result<Job, Box<dyn Error>> {
    while matches!(job.status, JobStatus::Queued | JobStatus::Running) {
        job = client.get_job().id(job.id).prefer("wait=5").send().await?.into_inner();
    }
    Ok(job)
}

async fn meet_faults(client: &Client) -> Result<(), Box<dyn Error>> {
    let layer = Layer::builder().id("a").param_bytes(1).output_bytes(1);
    let node: Node = Node::builder().id("n").memory_bytes(1).try_into()?;
    let edge: Edge = Edge::builder().from("a").to("nowhere").try_into()?;
    let request = JobRequest::builder()
        .model(Some(ModelProfile::builder().name("m").layers(vec![layer.try_into()?]).edges(vec![edge]).try_into()?))
        .cluster(Some(ClusterInventory::builder().name("c").nodes(vec![node.clone(), node]).try_into()?));
    let problem = refused(client.create_job().body(request).send().await, 422)?;
    for fault in &problem.errors {
        println!("{}: {}. {}.", fault.pointer, fault.detail, fault.action);
    }
    let faults: Vec<(&str, FaultCode)> =
        problem.errors.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    assert!(faults.contains(&("/model/edges/0/to", FaultCode::UnknownReference)), "{faults:?}");
    assert!(faults.contains(&("/cluster/nodes/1/id", FaultCode::Duplicate)), "{faults:?}");
    assert_eq!(faults.len(), 2);

    let missing = client.get_job().id("job_00000000-0000-7000-8000-000000000000").send().await;
    assert_eq!(refused(missing, 404)?.type_, "/problems/not-found");
    Ok(())
}

/// The problem that an answer is, which must have this status.
fn refused<T>(answer: Result<ResponseValue<T>, ClientError<Problem>>, status: u16) -> Result<Problem, Box<dyn Error>> {
    match answer {
        Err(ClientError::ErrorResponse(problem)) if problem.status() == status => Ok(problem.into_inner()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("it was not refused".into()),
    }
}
