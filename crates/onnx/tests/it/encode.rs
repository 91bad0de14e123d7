//! Writes ONNX models field by field.

/// A message of Protocol Buffers.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

pub fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value > 0x7f {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

impl Message {
    pub fn int(mut self, number: u64, value: i64) -> Self {
        varint(number << 3, &mut self.0);
        varint(value.cast_unsigned(), &mut self.0);
        self
    }

    pub fn bytes(mut self, number: u64, bytes: &[u8]) -> Self {
        varint(number << 3 | 2, &mut self.0);
        varint(bytes.len() as u64, &mut self.0);
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(self, number: u64, text: &str) -> Self {
        self.bytes(number, text.as_bytes())
    }

    pub fn message(self, number: u64, message: &Message) -> Self {
        self.bytes(number, &message.0)
    }

    pub fn messages(self, number: u64, messages: &[Message]) -> Self {
        messages.iter().fold(self, |whole, message| whole.message(number, message))
    }
}

pub const FLOAT: i64 = 1;
pub const INT64: i64 = 7;

/// A tensor without data.
pub fn header(name: &str, element: i64, shape: &[i64]) -> Message {
    shape.iter().fold(Message::default(), |tensor, &size| tensor.int(1, size)).int(2, element).text(8, name)
}

pub fn floats(name: &str, shape: &[i64]) -> Message {
    let count = shape.iter().product::<i64>() as usize;
    header(name, FLOAT, shape).bytes(9, &vec![0; 4 * count])
}

pub fn integers(name: &str, values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    header(name, INT64, &[values.len() as i64]).bytes(9, &raw)
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    outputs.iter().fold(node, |node, output| node.text(2, output)).text(4, operator)
}

pub fn attribute(name: &str) -> Message {
    Message::default().text(1, name)
}

/// A value with dimensions that are numbers or names.
pub fn value(name: &str, element: i64, shape: &[&str]) -> Message {
    let dimensions = shape.iter().fold(Message::default(), |shape, dimension| {
        shape.message(
            1,
            &match dimension.parse() {
                Ok(size) => Message::default().int(1, size),
                Err(_) => Message::default().text(2, dimension),
            },
        )
    });
    let tensor = Message::default().int(1, element).message(2, &dimensions);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// A graph of its nodes, initializers, inputs and names of outputs.
pub fn graph(nodes: &[Message], initializers: &[Message], inputs: &[Message], outputs: &[&str]) -> Message {
    let outputs: Vec<Message> = outputs.iter().map(|output| Message::default().text(1, output)).collect();
    let graph = Message::default().messages(1, nodes).text(2, "graph").messages(5, initializers);
    graph.messages(11, inputs).messages(12, &outputs)
}

pub fn model(graph: &Message) -> Vec<u8> {
    model_with(graph, &[])
}

pub fn model_with(graph: &Message, functions: &[Message]) -> Vec<u8> {
    let opset = Message::default().text(1, "").int(2, 21);
    let model = Message::default().int(1, 8).text(2, "tests").message(7, graph).message(8, &opset);
    model.messages(25, functions).0
}

/// `y = relu(x · w)` with 4 × 8 floats as x and y.
pub fn small() -> Message {
    graph(
        &[node("MatMul", &["x", "w"], &["h"]), node("Relu", &["h"], &["y"])],
        &[floats("w", &[8, 8])],
        &[value("x", FLOAT, &["4", "8"])],
        &["y"],
    )
}
