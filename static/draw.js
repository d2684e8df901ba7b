/* Drawing a route on the map: points by click or tap, judged by the server, kept or discarded.
   Runs in the map's frame after fix.js. All texts come from the page, escaped.
   What is kept is the very drawing that the card judges: it is put aside when it is sent. */
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
    this.turn = 0;  // goes on with every change: answers to anything older are dropped
  }

  Desk.prototype = {
    // pen: null, or {url, token, application_id, utilities: [{key, name, colour, feeds}], words}
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
      this.choice = this.feed = null;
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
    // Which of two feeds is drawn; 1 of a line that wants one.
    number: function () {
      return this.feed && this.utility().feeds > 1 ? +this.feed.value : 1;
    },
    called: function (utility, number) {
      return utility.name + (utility.feeds > 1 ? " " + this.pen.words.feeds[number - 1] : "");
    },
    tools: function () {
      var desk = this, words = this.pen.words, chosen = this.choice ? this.choice.value : null;
      var feed = this.feed ? this.feed.value : "1";
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
      if (this.pen.utilities.some(function (one) { return one.feeds > 1; })) {
        this.feed = element("select", "", row);
        this.feed.setAttribute("aria-label", words.feed);
        words.feeds.forEach(function (name, at) {
          element("option", "", desk.feed, name).value = String(at + 1);
        });
        this.feed.value = feed;
        this.feed.addEventListener("change", function () { desk.sketch(); });
      }
      this.button(row, words.undo, "", function () { desk.points.pop(); desk.sketch(); });
      this.ready = this.button(row, words.judge, "tg-main", function () { desk.judge(); });
      this.button(row, words.cancel, "", function () { desk.stop(); });
      this.told = element("p", "tg-told", this.box);
      this.sketch();
    },
    // Shows the line as it stands; whatever was asked of an older one no longer matters.
    sketch: function () {
      var colour = this.utility().colour, shapes = this.shapes;
      this.turn += 1;
      shapes.clearLayers();
      L.polyline(this.points, { className: "tg-sketch", interactive: false, color: colour,
        weight: 3, dashArray: "5 5" }).addTo(shapes);
      this.points.forEach(function (at) {
        L.circleMarker(at, { interactive: false, radius: 4, weight: 2, color: colour,
          fillColor: "#ffffff", fillOpacity: 1 }).addTo(shapes);
      });
      this.told.innerHTML = "";
      this.ready.disabled = this.points.length < 2;
      if (this.feed) { this.feed.hidden = !(this.utility().feeds > 1); }
    },
    drawing: function () {
      return { application_id: this.pen.application_id, utility: this.utility().key,
        feed: this.number(), language: this.pen.language, line: this.points.map(function (at) {
          return [+at.lng.toFixed(9), +at.lat.toFixed(9)];
        }) };
    },
    // Sends a drawing once: its buttons rest until the answer is there.
    post: function (way, body, buttons, told, done) {
      var desk = this, words = this.pen.words, turn = this.turn += 1;
      var rest = function (resting) {
        buttons.forEach(function (button) { button.disabled = resting; });
      };
      told.className = "tg-told";
      told.innerHTML = words.waiting;
      rest(true);
      fetch(this.pen.url + way + "?token=" + encodeURIComponent(this.pen.token), {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body)
      }).then(function (answer) {
        return answer.json().then(function (found) {
          return answer.ok ? { found: found } : { wrong: found.message };
        });
      }).catch(function () { return {}; }).then(function (answer) {
        if (turn !== desk.turn) { return; }
        told.innerHTML = "";
        rest(false);
        if (answer.found) { return done(answer.found); }
        told.className = "tg-told tg-wrong";
        if (answer.wrong) { told.textContent = answer.wrong; } else { told.innerHTML = words.failed; }
      });
    },
    judge: function () {
      var desk = this, drawing = this.drawing(), utility = this.utility();
      this.post("judge", drawing, [this.ready], this.told, function (found) {
        desk.card(drawing, utility, found);
      });
    },
    card: function (drawing, utility, found) {
      var desk = this, words = this.pen.words;
      this.lift();
      this.judged = drawing;
      this.shapes.clearLayers();
      L.polyline(found.line, { className: "tg-drawn", interactive: false, color: utility.colour,
        weight: 4, dashArray: "2 6" }).addTo(this.shapes);
      L.polyline(found.other || [], { className: "tg-drawn", interactive: false,
        color: utility.colour, weight: 2, dashArray: "2 6" }).addTo(this.shapes);
      found.faults.forEach(function (fault) {
        L.polyline(fault.points, { className: "tg-fault", color: "#c62828", weight: 9,
          opacity: 0.55 }).bindTooltip(fault.label, { className: "tg-tip" }).addTo(desk.shapes);
      });
      this.box.innerHTML = "";
      this.box.className = "tg-desk tg-open tg-card";
      element("b", "", this.box, this.called(utility, drawing.feed) + " " + words.drawn);
      element("div", "", this.box, found.html);
      var row = element("div", "tg-row", this.box);
      var author = element("input", "", row), note = element("input", "", row);
      author.placeholder = words.author; author.maxLength = 80;
      note.placeholder = words.note; note.maxLength = 400;
      row = element("div", "tg-row", this.box);
      var told = element("p", "tg-told", this.box), buttons = [];
      buttons.push(this.button(row, words.keep, "tg-main", function () {
        var kept = L.extend({}, drawing, { author: author.value, note: note.value });
        desk.post("keep", kept, buttons, told, function () { desk.stop(); desk.refresh(); });
      }));
      buttons.push(this.button(row, words.change, "", function () {
        desk.judged = null; desk.lay(); desk.tools();
      }));
      buttons.push(this.button(row, words.discard, "", function () { desk.stop(); }));
    },
    stop: function () {
      this.lift();
      this.turn += 1;
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
