//! Writes the elements of a drawing. There are no styles, which pages with a strict policy refuse: colours are attributes.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use unicode_width::UnicodeWidthStr;

/// The page's own colour of text, where it sets one.
pub(super) const INK: &str = "currentColor";
/// Contrasts with white by 4.4 and with near-black by 4.3: what `currentColor` is where no page sets it.
const DEFAULT_INK: &str = "#787878";
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/// A text's size in pixels, weight, and which of its points is at its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    size: f64,
    is_bold: bool,
    anchor: &'static str,
}

impl Style {
    pub(super) const HEADING: Self = Self { size: 16.0, is_bold: true, anchor: "start" };
    pub(super) const NAME: Self = Self { size: 13.0, is_bold: true, anchor: "start" };
    pub(super) const PLAIN: Self = Self { size: 12.0, is_bold: false, anchor: "start" };
    pub(super) const MARK: Self = Self { size: 12.0, is_bold: true, anchor: "start" };

    pub(super) const fn right(self) -> Self {
        Self { anchor: "end", ..self }
    }

    pub(super) const fn centred(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    /// Returns how wide a text is at the most, in pixels: fonts of several systems were measured, the widest counts.
    pub(super) fn width(self, text: &str) -> f64 {
        text.width() as f64 * self.size * if self.is_bold { 0.69 } else { 0.61 }
    }

    /// Returns as much of a text as fits: its beginning and its end, since names of nodes often differ there.
    pub(super) fn clipped(self, text: &str, room: f64) -> Cow<'_, str> {
        if self.width(text) <= room {
            return Cow::Borrowed(text);
        }
        let half = (room - self.width("…")) / 2.0;
        let end: String = self.fitting(text.chars().rev(), half).into_iter().rev().collect();
        let begin: String = self.fitting(text.chars(), 2.0 * half - self.width(&end)).into_iter().collect();
        Cow::Owned(format!("{begin}…{end}"))
    }

    fn fitting(self, signs: impl Iterator<Item = char>, room: f64) -> Vec<char> {
        let mut taken = 0.0;
        let fits = |sign: &char| {
            taken += self.width(sign.encode_utf8(&mut [0; 4]));
            taken <= room
        };
        signs.take_while(fits).collect()
    }
}

/// A drawing that is being written.
pub(super) struct Canvas {
    writer: Writer<Vec<u8>>,
}

impl Canvas {
    /// Begins a drawing of a size, with a description for those who do not see it.
    pub(super) fn new(width: f64, height: f64, title: &str) -> io::Result<Self> {
        let mut canvas = Self { writer: Writer::new(Vec::new()) };
        let (width, height) = (number(width), number(height));
        let view_box = format!("0 0 {width} {height}");
        canvas.begin(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("width", &width),
                ("height", &height),
                ("viewBox", &view_box),
                ("role", "img"),
                ("color", DEFAULT_INK),
                ("fill", INK),
                ("font-family", FONT),
            ],
        )?;
        canvas.title(title)?;
        Ok(canvas)
    }

    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        self.end("svg")?;
        let mut bytes = self.writer.into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Begins a group, whose title pages show beside the pointer.
    pub(super) fn begin_group(&mut self, title: &str) -> io::Result<()> {
        self.begin("g", &[])?;
        self.title(title)
    }

    pub(super) fn end_group(&mut self) -> io::Result<()> {
        self.end("g")
    }

    pub(super) fn frame(&mut self, place: [f64; 4], colour: &str, line: f64) -> io::Result<()> {
        let radius = if place[3] < 20.0 { 2.0 } else { 8.0 };
        self.rectangle(place, radius, &[("fill", "none"), ("stroke", colour), ("stroke-width", &number(line))])
    }

    pub(super) fn fill(&mut self, place: [f64; 4], colour: &str, opacity: f64) -> io::Result<()> {
        self.rectangle(place, 2.0, &[("fill", colour), ("fill-opacity", &number(opacity))])
    }

    /// Draws a bar that is filled to a share.
    pub(super) fn bar(&mut self, [x, y, width, height]: [f64; 4], share: f64, colour: &str) -> io::Result<()> {
        self.fill([x, y, width, height], INK, 0.2)?;
        // What is more than nothing is seen.
        let filled = (share.clamp(0.0, 1.0) * width).max(if share > 0.0 { 1.0 } else { 0.0 });
        if filled > 0.0 { self.fill([x, y, filled, height], colour, 1.0) } else { Ok(()) }
    }

    /// Draws an arrow, along one axis.
    pub(super) fn arrow(&mut self, from: [f64; 2], to: [f64; 2], colour: &str, line: f64) -> io::Result<()> {
        const HEAD: f64 = 7.0;
        let [along_x, along_y] = [(to[0] - from[0]).signum(), (to[1] - from[1]).signum()];
        let is_level = (to[0] - from[0]).abs() > (to[1] - from[1]).abs();
        let back = if is_level { [to[0] - HEAD * along_x, to[1]] } else { [to[0], to[1] - HEAD * along_y] };
        let side = if is_level { [0.0, HEAD * 0.6] } else { [HEAD * 0.6, 0.0] };
        self.empty(
            "path",
            &[
                ("d", &format!("M{} {}L{} {}", number(from[0]), number(from[1]), number(back[0]), number(back[1]))),
                ("fill", "none"),
                ("stroke", colour),
                ("stroke-width", &number(line)),
            ],
        )?;
        let corners = [to, [back[0] + side[0], back[1] + side[1]], [back[0] - side[0], back[1] - side[1]]];
        let corners: Vec<_> = corners.map(|[x, y]| format!("{} {}", number(x), number(y))).into();
        self.empty("path", &[("d", &format!("M{}Z", corners.join("L"))), ("fill", colour)])
    }

    pub(super) fn text(&mut self, [x, y]: [f64; 2], text: &str, style: Style) -> io::Result<()> {
        let (x, y, size) = (number(x), number(y), number(style.size));
        let mut attributes = vec![("x", x.as_str()), ("y", &y), ("font-size", &size)];
        if style.anchor != "start" {
            attributes.push(("text-anchor", style.anchor));
        }
        if style.is_bold {
            attributes.push(("font-weight", "600"));
        }
        self.begin("text", &attributes)?;
        self.writer.write_event(Event::Text(BytesText::new(&allowed(text))))?;
        self.end("text")
    }

    /// Draws a rectangle with round corners at x, y, width and height, all in pixels.
    fn rectangle(&mut self, [x, y, width, height]: [f64; 4], radius: f64, look: &[(&str, &str)]) -> io::Result<()> {
        let [x, y, width, height, radius] = [x, y, width, height, radius].map(number);
        let mut attributes =
            vec![("x", x.as_str()), ("y", &y), ("width", &width), ("height", &height), ("rx", &radius)];
        attributes.extend(look);
        self.empty("rect", &attributes)
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        self.begin("title", &[])?;
        self.writer.write_event(Event::Text(BytesText::new(&allowed(text))))?;
        self.end("title")
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.writer.write_event(Event::Start(element(name, attributes)))
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.writer.write_event(Event::Empty(element(name, attributes)))
    }

    fn end(&mut self, name: &str) -> io::Result<()> {
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    BytesStart::new(name).with_attributes(attributes.iter().copied())
}

/// Returns a text without the characters that XML has no form for.
fn allowed(text: &str) -> String {
    text.replace(|sign: char| sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}'), "\u{fffd}")
}

/// Returns a number with at most one decimal.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_clipped_to_their_room() {
        let style = Style::PLAIN;
        assert_eq!(style.clipped("short", 100.0), "short");
        for text in ["a very long name of a node", "寿司寿司寿司寿司寿司寿司", "ü".repeat(300).as_str()] {
            let clipped = style.clipped(text, 100.0);
            assert!(clipped.contains('…') && style.width(&clipped) <= 100.1, "{clipped}");
            assert!(clipped.ends_with(text.chars().last().unwrap()), "{clipped}");
        }
    }
}
