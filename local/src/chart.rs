//! Lines over time, as SVG that needs nothing else.

use std::fmt::Write;

use crate::figures::escape;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

const COLOURS: [&str; 6] = ["#2563eb", "#d97706", "#dc2626", "#059669", "#7c3aed", "#64748b"];

/// One line: its name, and a value for each moment that has one.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<Option<f64>>,
}

/// A chart with a title and the unit of its values. `labels` are what stands under the first and the last moment.
pub(crate) fn lines(title: &str, unit: &str, labels: [&str; 2], series: &[Series]) -> String {
    let most =
        series.iter().flat_map(|series| series.points.iter().flatten()).fold(0.0_f64, |a, b| a.max(*b));
    let top = nice(most);
    let moments = series.iter().map(|series| series.points.len()).max().unwrap_or_default();
    let x = |moment: usize| LEFT + (WIDTH - LEFT - RIGHT) * share(moment, moments.saturating_sub(1));
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / top);

    let mut svg =
        format!("<figure><figcaption>{} <small>{}</small></figcaption>", escape(title), escape(unit));
    let _ =
        write!(svg, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escape(title));
    for step in 0..=4_u8 {
        let value = top * f64::from(step) / 4.0;
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#e2e8f0\"/>\
             <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            WIDTH - RIGHT,
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            short(value)
        );
    }
    for (at, anchor, label) in [(LEFT, "start", labels[0]), (WIDTH - RIGHT, "end", labels[1])] {
        let _ = write!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            HEIGHT - 6.0,
            escape(label)
        );
    }
    for (number, series) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        for run in runs(&series.points) {
            let points: Vec<_> =
                run.iter().map(|(moment, value)| format!("{:.1},{:.1}", x(*moment), y(*value))).collect();
            // A moment between two without a value would be no line: it is drawn as a dot.
            let shape = if let [(moment, value)] = run[..] {
                format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\" fill=\"{colour}\"/>", x(moment), y(value))
            } else {
                format!(
                    "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>",
                    points.join(" ")
                )
            };
            svg += &shape;
        }
    }
    svg += "</svg><p class=\"legend\">";
    for (number, series) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let _ = write!(svg, "<span style=\"color:{colour}\">●</span> {} ", escape(&series.name));
    }
    svg + "</p></figure>"
}

/// The stretches without a gap.
fn runs(points: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let points: Vec<_> = points.iter().enumerate().collect();
    points
        .split(|(_, value)| value.is_none())
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().filter_map(|(moment, value)| Some((*moment, (**value)?))).collect())
        .collect()
}

fn share(part: usize, whole: usize) -> f64 {
    let float = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if whole == 0 { 0.5 } else { float(part) / float(whole) }
}

/// The next 1, 2 or 5 with zeros: its quarters read well.
fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().map(|step| step * power).find(|top| *top >= most).unwrap_or(most)
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        for (most, top) in [(0.0, 1.0), (0.7, 1.0), (1.2, 2.0), (3.0, 5.0), (51.0, 100.0), (1000.0, 1000.0)] {
            assert!((nice(most) - top).abs() < 1e-9, "{most}: {}", nice(most));
        }
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let points = [Some(1.0), Some(2.0), None, Some(3.0)];
        assert_eq!(runs(&points), [vec![(0, 1.0), (1, 2.0)], vec![(3, 3.0)]]);
        let series = Series { name: "a<b".to_owned(), points: points.to_vec() };
        let svg = lines("t", "ms", ["08:00", "08:05"], &[series]);
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (1, 1));
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
    }
}
