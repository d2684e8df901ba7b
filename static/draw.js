/* Drawing a route on the map: points by click or tap, judged by the server, kept or discarded.
   Runs in the map's frame after fix.js. All texts come from the page, escaped. */
(function () {
  "use strict";

  var desk = null;  // the drawing table of this map

  function element(tag, className, parent, text) {
    var made = L.DomUtil.create(tag, className, parent);
    if (text) { made.innerHTML = text; }
    return made;
  }

  function Desk(map) {
    this.map = map;
    this.shapes = L.layerGroup().addTo(map);
    this.box = element("div", "tg-desk", map.getContainer());
    L.DomEvent.disableClickPropagation(this.box);
    L.DomEvent.disableScrollPropagation(this.box);
    this.glass = null;
    this.points = [];
  }

  Desk.prototype = {
    // pen: null, or {url, token, application_id, utilities: [{key, name, colour}], words}
    show: function (pen) {
      var case_ = pen ? pen.application_id : null;
      if (this.pen && this.pen.application_id !== case_) { this.stop(); }
      this.pen = pen;
      if (!this.busy()) { this.rest(); }
    },
    busy: function () { return this.glass || this.judged; },
    rest: function () {
      var desk = this;
      this.box.innerHTML = "";
      this.box.className = "tg-desk";
      if (!this.pen) { return; }
      this.button(this.box, this.pen.words.draw, "tg-start", function () { desk.start(); });
    },
    button: function (parent, text, className, act) {
      var button = element("button", className, parent, text);
      button.type = "button";
      L.DomEvent.on(button, "click", function (event) { L.DomEvent.stop(event); act(); });
      return button;
    },
    start: function () {
      this.points = [];
      this.judged = null;
      this.shapes.clearLayers();
      this.lay();
      this.tools();
    },
    // A pane of glass over the map takes the clicks; dragging and zooming go through to it.
    lay: function () {
      var desk = this, from = null;
      this.glass = element("div", "tg-glass", this.map.getContainer());
      this.glass.addEventListener("pointerdown", function (event) { from = event; });
      this.glass.addEventListener("click", function (event) {
        event.stopPropagation();
        var moved = from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY);
        if (moved > 8) { return; }
        desk.points.push(desk.map.mouseEventToLatLng(event));
        desk.sketch();
      });
      this.glass.addEventListener("dblclick", function (event) { event.stopPropagation(); });
      this.map.getContainer().appendChild(this.box);
    },
    lift: function () {
      if (this.glass) { this.glass.remove(); this.glass = null; }
    },
    utility: function () {
      var key = this.choice && this.choice.value;
      return this.pen.utilities.find(function (one) { return one.key === key; }) ||
        this.pen.utilities[0];
    },
    tools: function () {
      var desk = this, words = this.pen.words, chosen = this.choice ? this.choice.value : null;
      this.box.innerHTML = "";
      this.box.className = "tg-desk tg-open";
      element("p", "", this.box, words.hint);
      var row = element("div", "tg-row", this.box);
      this.choice = element("select", "", row);
      this.choice.setAttribute("aria-label", words.utility);
      this.pen.utilities.forEach(function (one) {
        var option = element("option", "", desk.choice, one.name);
        option.value = one.key;
        option.selected = one.key === (chosen || desk.pen.chosen);
      });
      this.choice.addEventListener("change", function () { desk.sketch(); });
      this.button(row, words.undo, "", function () { desk.points.pop(); desk.sketch(); });
      this.ready = this.button(row, words.judge, "tg-main", function () { desk.judge(); });
      this.button(row, words.cancel, "", function () { desk.stop(); });
      this.told = element("p", "tg-told", this.box);
      this.sketch();
    },
    sketch: function () {
      var colour = this.utility().colour, shapes = this.shapes;
      shapes.clearLayers();
      L.polyline(this.points, { className: "tg-sketch", interactive: false, color: colour,
        weight: 3, dashArray: "5 5" }).addTo(shapes);
      this.points.forEach(function (at) {
        L.circleMarker(at, { interactive: false, radius: 4, weight: 2, color: colour,
          fillColor: "#ffffff", fillOpacity: 1 }).addTo(shapes);
      });
      if (this.ready) { this.ready.disabled = this.points.length < 2; }
    },
    body: function (more) {
      var points = this.points.map(function (at) {
        return [+at.lng.toFixed(9), +at.lat.toFixed(9)];
      });
      return L.extend({ language: this.pen.language, application_id: this.pen.application_id, utility: this.utility().key,
        line: points }, more);
    },
    post: function (way, body, done, told) {
      var words = this.pen.words;
      told.className = "tg-told";
      told.innerHTML = words.waiting;
      fetch(this.pen.url + way + "?token=" + encodeURIComponent(this.pen.token), {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body)
      }).then(function (answer) {
        return answer.json().then(function (found) { return { ok: answer.ok, found: found }; });
      }).then(function (answer) {
        told.innerHTML = "";
        if (answer.ok) { return done(answer.found); }
        told.className = "tg-told tg-wrong";
        told.textContent = answer.found.message;
      }).catch(function () {
        told.className = "tg-told tg-wrong";
        told.innerHTML = words.failed;
      });
    },
    judge: function () {
      var desk = this;
      this.post("judge", this.body({}), function (found) { desk.card(found); }, this.told);
    },
    card: function (found) {
      var desk = this, words = this.pen.words, colour = this.utility().colour;
      this.lift();
      this.judged = found;
      this.shapes.clearLayers();
      L.polyline(found.line, { className: "tg-drawn", interactive: false, color: colour,
        weight: 4, dashArray: "2 6" }).addTo(this.shapes);
      found.faults.forEach(function (fault) {
        L.polyline(fault.points, { className: "tg-fault", color: "#c62828", weight: 9,
          opacity: 0.55 }).bindTooltip(fault.label, { className: "tg-tip" }).addTo(desk.shapes);
      });
      this.box.innerHTML = "";
      this.box.className = "tg-desk tg-open tg-card";
      element("b", "", this.box, this.utility().name + " " + words.drawn);
      element("div", "", this.box, found.html);
      var row = element("div", "tg-row", this.box);
      var author = element("input", "", row), note = element("input", "", row);
      author.placeholder = words.author; author.maxLength = 80;
      note.placeholder = words.note; note.maxLength = 400;
      row = element("div", "tg-row", this.box);
      var told = element("p", "tg-told", this.box);
      this.button(row, words.keep, "tg-main", function () {
        desk.post("keep", desk.body({ author: author.value, note: note.value }), function () {
          desk.stop();
          desk.refresh();
        }, told);
      });
      this.button(row, words.change, "", function () { desk.judged = null; desk.lay(); desk.tools(); });
      this.button(row, words.discard, "", function () { desk.stop(); });
    },
    stop: function () {
      this.lift();
      this.points = [];
      this.judged = null;
      this.shapes.clearLayers();
      this.rest();
    },
    // The page runs again when the map is clicked: a click on the case's own parcel, which
    // chooses nothing else. It must be a new place each time.
    refresh: function () {
      var at = this.pen.at, jitter = Math.random() * 1e-8;
      this.map.fire("click", { latlng: L.latLng(at[0] + jitter, at[1]) });
    }
  };

  window.tonggou.drawingTable = function (map, pen) {
    if (!desk || desk.map !== map) { desk = new Desk(map); }
    desk.show(pen);
  };
})();
