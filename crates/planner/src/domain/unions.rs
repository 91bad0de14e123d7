//! Schemas of unions that every generator can read: named structs, distinguished by a `kind` with
//! one value.

use std::borrow::Cow;

use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Discriminator, OneOfBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::network::{AccessPoint, Duplex, FullMesh, Matrix, Network, Radio, Segment, Station, Topology};
use super::options::Objective;

/// A name in `components`, and the schema under it.
type Named = (String, RefOr<Schema>);

/// A variant: its `kind`, the name of its schema, and the schema without `kind`.
type Variant = (&'static str, &'static str, RefOr<Schema>);

fn network_variants() -> [Variant; 5] {
    [
        ("full_mesh", "FullMeshNetwork", FullMesh::schema()),
        ("radio", "RadioNetwork", Radio::schema()),
        ("matrix", "MatrixNetwork", Matrix::schema()),
        ("access_point", "AccessPointNetwork", AccessPoint::schema()),
        ("topology", "TopologyNetwork", Topology::schema()),
    ]
}

fn objective_variants() -> [Variant; 4] {
    let plain = |description: &str| ObjectBuilder::new().description(Some(description)).build();
    let target = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(0.0))
        .description(Some("The largest period that is good enough, seconds."))
        .build();
    let min_nodes = ObjectBuilder::new()
        .description(Some("The fewest nodes whose period is at most a target."))
        .property("target_period_s", target)
        .required("target_period_s")
        .build();
    let throughput =
        plain("The smallest period of one pipeline with one stage a node; among equals the smaller latency found.");
    let latency = plain("The smallest latency of one pass through the empty pipeline.");
    let tradeoff = plain("Every placement that no other beats in both period and latency.");
    [
        ("max_throughput", "MaxThroughputObjective", object(throughput)),
        ("min_latency", "MinLatencyObjective", object(latency)),
        ("min_nodes", "MinNodesObjective", object(min_nodes)),
        ("tradeoff", "TradeoffObjective", object(tradeoff)),
    ]
}

fn object(object: Object) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object))
}

impl PartialSchema for Network {
    fn schema() -> RefOr<Schema> {
        one_of("The rule that supplies links for the pairs that are not listed.", &network_variants())
    }
}

impl ToSchema for Network {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Network")
    }

    fn schemas(schemas: &mut Vec<Named>) {
        schemas.extend(network_variants().map(component));
        schemas.extend([
            ("Station".to_owned(), Station::schema()),
            ("Segment".to_owned(), Segment::schema()),
            ("Duplex".to_owned(), Duplex::schema()),
        ]);
    }
}

impl PartialSchema for Objective {
    fn schema() -> RefOr<Schema> {
        one_of("What is to be best; by default `max_throughput`.", &objective_variants())
    }
}

impl ToSchema for Objective {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Objective")
    }

    fn schemas(schemas: &mut Vec<Named>) {
        schemas.extend(objective_variants().map(component));
    }
}

fn one_of(description: &str, variants: &[Variant]) -> RefOr<Schema> {
    let address = |name: &str| format!("#/components/schemas/{name}");
    let kinds = variants.iter().map(|(kind, name, _)| (*kind, address(name)));
    let mut union = OneOfBuilder::new()
        .description(Some(description))
        .discriminator(Some(Discriminator::with_mapping("kind", kinds)));
    for (_, name, _) in variants {
        union = union.item(Ref::from_schema_name(*name));
    }
    RefOr::T(Schema::OneOf(union.build()))
}

/// Returns the variant's schema with `kind` as the first property.
fn component((kind, name, schema): Variant) -> Named {
    let kind = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some([kind])).build();
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = SchemaType::Type(Type::Object);
            object.properties.insert("kind".to_owned(), RefOr::T(Schema::Object(kind)));
            object.required.insert(0, "kind".to_owned());
            (name.to_owned(), RefOr::T(Schema::Object(object)))
        }
        other => (name.to_owned(), other),
    }
}
