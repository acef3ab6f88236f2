"use strict";
const table = document.querySelector("table");
if (table) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const text = (row, i) => row.cells[i].textContent.trim();
  // "<.001" and "+0.12 ±0.03" begin with the number that counts.
  const number = s => parseFloat(s.replace(/^[<+]/, ""));
  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(each => each.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const numeric = head.classList.contains("n");
    const order = (a, b) => {
      if (!numeric) return text(a, i).localeCompare(text(b, i), "en", { numeric: true }) * (up ? 1 : -1);
      const x = number(text(a, i)), y = number(text(b, i));
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // what has no number stands last
      return (x - y) * (up ? 1 : -1);
    };
    rows.sort(order).forEach(row => body.append(row));
  }));
  const filter = document.getElementById("filter"), count = document.getElementById("count");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach(row => {
      const all = row.textContent.toLowerCase();
      row.hidden = !words.every(word => all.includes(word));
      shown += !row.hidden;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} ${table.dataset.rows}` : "";
  });
}
