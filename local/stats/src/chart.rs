//! Lines over time, and bars beside each other, as SVG that needs nothing else, in light and in dark.

use std::fmt::Write;

use cloud::figures::escape;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

/// Left of bars, for their names.
const NAMES: f64 = 190.0;
/// Right of bars, for words about them.
const WORDS: f64 = 170.0;
/// Of a bar, or of two.
const ROW: f64 = 24.0;

/// How many lines have a colour of their own.
pub(crate) const COLOURS: usize = 7;

/// How pages with charts look.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--text:#0f172a;--soft:#64748b;--rule:#e2e8f0;--paper:#fff;--band:#f59e0b;--good:#15803d;--bad:#b91c1c;\
--c0:#2563eb;--c1:#d97706;--c2:#dc2626;--c3:#059669;--c4:#7c3aed;--c5:#64748b;--c6:#db2777}\
@media(prefers-color-scheme:dark){:root{--text:#e2e8f0;--soft:#94a3b8;--rule:#334155;--paper:#0f172a;--good:#4ade80;--bad:#f87171;\
--c0:#60a5fa;--c1:#fbbf24;--c2:#f87171;--c3:#34d399;--c4:#a78bfa;--c5:#94a3b8;--c6:#f472b6}}\
body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--text);background:var(--paper)}\
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid var(--rule)}\
td:first-child,th:first-child{text-align:left;padding-left:0}figure{margin:1.8rem 0}figcaption{font-weight:600}small,.soft{color:var(--soft)}\
figure p{margin:.1rem 0 .3rem}svg{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}\
.legend{margin:0}.rule{stroke:var(--rule)}.mark{stroke:var(--c1);stroke-dasharray:4 3}.band{fill:var(--band);opacity:.16}svg .name{fill:var(--text)}\
\
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}.c5{color:var(--c5)}.c6{color:var(--c6)}\
.good{color:var(--good)}.bad{color:var(--bad)}dt{font-weight:600}dd{margin:0 0 .4rem}";

/// One line: its name, and a value for each moment that has one.
pub struct Series {
    /// For the legend.
    pub name: String,
    /// One for each moment.
    pub points: Vec<Option<f64>>,
}

/// A stretch of time that is shaded, and why. From 0 to 1 of the chart's width.
#[derive(Clone, Debug)]
pub struct Band {
    /// Why.
    pub name: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// Lines over the same time.
pub struct Chart<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Of its values.
    pub unit: &'a str,
    /// What to look for, in a sentence.
    pub about: &'a str,
    /// Under the first and the last moment.
    pub labels: [&'a str; 2],
    /// What is shaded.
    pub bands: &'a [Band],
    /// Each line of the grid is ten times the one below it: for times, of which some are a thousand times others.
    pub logarithmic: bool,
    /// Its lines.
    pub series: Vec<Series>,
}

/// A value, and perhaps another that it is compared with.
pub struct Bar {
    /// What has it.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// Drawn above it.
    pub other: Option<f64>,
    /// To its right.
    pub words: String,
    /// Behind the words, and whether that is good.
    pub change: Option<(String, bool)>,
}

/// Values beside each other.
pub struct Bars<'a> {
    /// What they show.
    pub title: &'a str,
    /// Of their values.
    pub unit: &'a str,
    /// What values are, and what they are compared with.
    pub names: [&'a str; 2],
    /// A line through all of them stands here.
    pub mark: Option<f64>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// Where values stand: the values of the grid's lines, and the height of any value, from 0 to 1.
struct Scale {
    lines: Vec<f64>,
    logarithmic: bool,
}

impl Scale {
    fn linear(most: f64) -> Self {
        let top = nice(most);
        Self { lines: (0..=4_u8).map(|step| top * f64::from(step) / 4.0).collect(), logarithmic: false }
    }

    fn logarithmic(least: f64, most: f64) -> Self {
        let bottom = least.max(1e-3).log10().floor();
        let top = most.max(1e-3).log10().ceil().max(bottom + 1.0);
        let lines = std::iter::successors(Some(bottom), |power| Some(power + 1.0));
        let lines = lines.take_while(|power| *power <= top).map(|power| 10_f64.powf(power));
        Self { lines: lines.collect(), logarithmic: true }
    }

    fn height(&self, value: f64) -> f64 {
        let (bottom, top) = (self.lines[0], self.lines[self.lines.len() - 1]);
        if self.logarithmic {
            (value.max(bottom) / bottom).log10() / (top / bottom).log10()
        } else {
            value / top
        }
    }
}

impl Chart<'_> {
    /// As a figure for a page that has [`STYLE`].
    pub fn svg(&self) -> String {
        let values = || self.series.iter().flat_map(|series| series.points.iter().flatten());
        let most = values().fold(0.0_f64, |a, b| a.max(*b));
        let scale = if self.logarithmic {
            Scale::logarithmic(values().filter(|value| **value > 0.0).fold(most, |a, b| a.min(*b)), most)
        } else {
            Scale::linear(most)
        };
        let moments = self.series.iter().map(|series| series.points.len()).max().unwrap_or_default();
        let x = |share: f64| LEFT + (WIDTH - LEFT - RIGHT) * share;
        let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - scale.height(value));

        let (title, unit) = (escape(self.title), escape(self.unit));
        let mut svg = format!("<figure><figcaption>{title} <small>{unit}</small></figcaption>");
        if !self.about.is_empty() {
            let _ = write!(svg, "<p class=\"soft\">{}</p>", escape(self.about));
        }
        let _ = write!(svg, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
        for (number, Band { name, from, to }) in (0_u8..).zip(self.bands) {
            let (from, to) = (x(*from), x(*to));
            let _ = write!(
                svg,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"/>\
                 <text class=\"name\" x=\"{:.1}\" y=\"{}\">{}</text>",
                to - from,
                HEIGHT - TOP - BOTTOM,
                from + 3.0,
                // Names of bands that overlap stand below each other.
                TOP + 11.0 + 12.0 * f64::from(number % 4),
                escape(name)
            );
        }
        for value in &scale.lines {
            let _ = write!(
                svg,
                "<line class=\"rule\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
                 <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
                WIDTH - RIGHT,
                y(*value),
                LEFT - 6.0,
                y(*value) + 4.0,
                short(*value)
            );
        }
        for (at, anchor, label) in [(LEFT, "start", self.labels[0]), (WIDTH - RIGHT, "end", self.labels[1])] {
            let _ = write!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                HEIGHT - 6.0,
                escape(label)
            );
        }
        for (number, series) in self.series.iter().enumerate() {
            let at = |moment: usize| x(share(moment, moments.saturating_sub(1)));
            draw(&mut svg, number % COLOURS, &series.points, at, y);
        }
        svg += "</svg><p class=\"legend\">";
        for (number, series) in self.series.iter().enumerate() {
            let (colour, name) = (number % COLOURS, escape(&series.name));
            let _ = write!(svg, "<span class=\"c{colour}\">●</span> {name} ");
        }
        svg + "</p></figure>"
    }
}

impl Bars<'_> {
    /// As a figure for a page that has [`STYLE`]; nothing where every value is zero.
    pub fn svg(&self) -> String {
        let values = self.bars.iter().flat_map(|bar| [bar.value, bar.other.unwrap_or_default()]);
        let most = values.fold(0.0, f64::max);
        if most == 0.0 {
            return String::new();
        }
        let length = |value: f64| (WIDTH - NAMES - WORDS) * value / most;
        let (mut rows, mut top) = (String::new(), 0.0);
        for bar in &self.bars {
            bar.draw(&mut rows, top, length);
            top += ROW;
        }
        if let Some(mark) = self.mark.filter(|mark| (0.0..=most).contains(mark)) {
            let x = NAMES + length(mark);
            let _ = write!(rows, "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{top}\"/>");
        }
        let (title, unit) = (escape(self.title), escape(self.unit));
        let mut svg = format!(
            "<figure><figcaption>{title} <small>{unit}</small></figcaption>\
             <svg viewBox=\"0 0 {WIDTH} {top}\" role=\"img\" aria-label=\"{title}\">{rows}</svg>"
        );
        if self.bars.iter().any(|bar| bar.other.is_some()) {
            let [value, other] = self.names.map(escape);
            let _ = write!(
                svg,
                "<p class=\"legend\"><span class=\"c0\">●</span> {value} <span class=\"c5\">●</span> {other}</p>"
            );
        }
        svg + "</figure>"
    }
}

impl Bar {
    fn draw(&self, svg: &mut String, top: f64, length: impl Fn(f64) -> f64) {
        let bars = match self.other {
            Some(other) => vec![(5, 1.0, 8.0, other), (0, 10.0, 8.0, self.value)],
            None => vec![(0, 1.0, 17.0, self.value)],
        };
        for (colour, below, height, value) in bars {
            let (y, width) = (top + below, length(value));
            let _ = write!(
                svg,
                "<rect fill=\"var(--c{colour})\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\"/>"
            );
        }
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text><text x=\"{:.1}\" y=\"{y:.1}\">{}",
            NAMES - 6.0,
            escape(&self.name),
            WIDTH - WORDS + 6.0,
            escape(&self.words),
            y = top + 14.0,
        );
        if let Some((change, is_good)) = &self.change {
            let (class, change) = (if *is_good { "good" } else { "bad" }, escape(change));
            let _ = write!(svg, " <tspan class=\"{class}\" fill=\"currentColor\">{change}</tspan>");
        }
        *svg += "</text>";
    }
}

fn draw(
    svg: &mut String,
    colour: usize,
    points: &[Option<f64>],
    x: impl Fn(usize) -> f64,
    y: impl Fn(f64) -> f64,
) {
    for run in runs(points) {
        let points: Vec<_> =
            run.iter().map(|(moment, value)| format!("{:.1},{:.1}", x(*moment), y(*value))).collect();
        // A moment between two without a value would be no line: it is drawn as a dot.
        let _ = if let [(moment, value)] = run[..] {
            let (x, y) = (x(moment), y(value));
            write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"var(--c{colour})\"/>")
        } else {
            write!(
                svg,
                "<polyline fill=\"none\" stroke=\"var(--c{colour})\" stroke-width=\"1.5\" points=\"{}\"/>",
                points.join(" ")
            )
        };
    }
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
        let (title, unit, about, labels) = ("t", "ms", "", ["08:00", "08:05"]);
        let svg =
            Chart { title, unit, about, labels, bands: &[], logarithmic: false, series: vec![series] }.svg();
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (1, 1));
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
    }

    #[test]
    fn the_longest_bar_fills_its_place_and_what_is_compared_stands_above() {
        let bar = |name: &str, value, other| Bar {
            name: name.to_owned(),
            value,
            other,
            words: "7 & 8".to_owned(),
            change: other.map(|_| ("+20 %".to_owned(), false)),
        };
        let bars = vec![bar("a<b", 90.0, Some(180.0)), bar("c", 45.0, None)];
        let bars = Bars { title: "t", unit: "ms", names: ["now", "before"], mark: Some(90.0), bars };
        let svg = bars.svg();
        let widths: Vec<_> =
            svg.split("width=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(widths, ["360.0", "180.0", "90.0"]);
        assert!(svg.contains("a&lt;b") && svg.contains("7 &amp; 8 <tspan class=\"bad\""));
        assert!(svg.contains("class=\"mark\" x1=\"370.0\"") && svg.contains("</span> before"));
        let alone = Bars { bars: vec![bar("c", 45.0, None)], mark: None, ..bars }.svg();
        assert!(!alone.contains("before") && !alone.contains("mark"));
    }

    #[test]
    fn bars_of_nothing_are_no_figure() {
        let (title, unit, names) = ("t", "", ["now", "before"]);
        assert_eq!(Bars { title, unit, names, mark: Some(0.0), bars: Vec::new() }.svg(), "");
    }

    #[test]
    fn a_logarithmic_scale_has_a_line_for_each_power_of_ten() {
        let scale = Scale::logarithmic(0.4, 3_000.0);
        assert_eq!(scale.lines.len(), 6);
        assert!((scale.height(0.1)).abs() < 1e-9 && (scale.height(10_000.0) - 1.0).abs() < 1e-9);
        assert!((scale.height(10.0) - 0.4).abs() < 1e-9);
        // A value of nothing stands at the bottom.
        assert!(scale.height(0.0).abs() < 1e-9);
    }

    #[test]
    fn a_band_is_named_and_stands_behind_the_lines() {
        let band = Band { name: "Redis <away>".to_owned(), from: 0.25, to: 0.5 };
        let series = vec![Series { name: "a".to_owned(), points: vec![Some(1.0); 3] }];
        let (title, unit, about, labels) = ("t", "", "Why & how.", ["0", "1"]);
        let svg = Chart { title, unit, about, labels, bands: &[band], logarithmic: true, series }.svg();
        let (band, line) = (svg.find("class=\"band\""), svg.find("<polyline"));
        assert!(
            band.is_some()
                && band < line
                && svg.contains("Redis &lt;away&gt;")
                && svg.contains("Why &amp; how.")
        );
    }
}
