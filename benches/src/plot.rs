//! Lines over a logarithmic grid, as an SVG that reads in light and dark.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 250.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 44.0;
/// Told apart by people who see few colours too: hue and lightness differ.
const COLOURS: [&str; 8] =
    ["#4c6ef5", "#e8590c", "#2b8a3e", "#ae3ec9", "#c92a2a", "#0b7285", "#997404", "#868e96"];

/// One line: what it is called, and its points.
pub struct Line {
    /// What it is called, at its end.
    pub name: String,
    /// Abscissa and ordinate, each above zero.
    pub points: Vec<(f64, f64)>,
}

/// Draws lines; both axes are logarithmic, and each decade has its label.
pub fn logarithmic(
    title: &str,
    lines: &[Line],
    label_x: impl Fn(f64) -> String,
    label_y: impl Fn(f64) -> String,
) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let logs = || all().map(move |point| of(point).log10());
        (logs().fold(f64::INFINITY, f64::min), logs().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((low_x, high_x), (low_y, high_y)) = (bounds(|point| point.0), bounds(|point| point.1));
    let (low_y, high_y) = (low_y.floor(), high_y.ceil());
    let x = |value: f64| LEFT + (value.log10() - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT);
    let y =
        |value: f64| HEIGHT - BOTTOM - (value.log10() - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#868e96\">\n<title>{title}</title>\n"
    );
    let mut decade = low_y;
    while decade <= high_y + 0.01 {
        let (at, label) = (y(10_f64.powf(decade)), label_y(10_f64.powf(decade)));
        let end = WIDTH - RIGHT;
        let _ =
            writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#868e96\" stroke-opacity=\".25\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            at + 4.0
        );
        decade += 1.0;
    }
    if let Some(line) = lines.first() {
        for (value, _) in &line.points {
            let (at, bottom) = (x(*value), HEIGHT - BOTTOM + 20.0);
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{bottom}\" text-anchor=\"middle\">{}</text>",
                label_x(*value)
            );
        }
    }
    // Names at the ends of lines, moved apart where they would lie on each other.
    let mut ends: Vec<(f64, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| line.points.last().map(|(_, value)| (y(*value), index)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = f64::NEG_INFINITY;
    for (at, index) in ends {
        let (line, colour) = (&lines[index], COLOURS[index % COLOURS.len()]);
        let place = at.max(last + 15.0);
        last = place;
        let path: Vec<String> = line
            .points
            .iter()
            .map(|(abscissa, ordinate)| format!("{:.1} {:.1}", x(*abscissa), y(*ordinate)))
            .collect();
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        for (abscissa, ordinate) in &line.points {
            let (x, y) = (x(*abscissa), y(*ordinate));
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let name = line.name.replace('&', "&amp;").replace('<', "&lt;");
        let (begin, place) = (WIDTH - RIGHT + 12.0, place + 4.0);
        let _ = writeln!(svg, "<text x=\"{begin}\" y=\"{place:.1}\" fill=\"{colour}\">{name}</text>");
    }
    svg.push_str("</svg>\n");
    svg
}
