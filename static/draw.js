/* Drawing a route on the map: points by click or tap, or the line of a file that the server reads;
   judged by the server, kept or discarded.
   Runs in the map's frame after fix.js. All texts come from the page, escaped.
   What is kept is the very drawing that the card judges: it is put aside when it is sent.
   A drawing in hand stays in the visitor's tab, by its application: the map is made anew when the
   language changes, and when another page was seen. */
(function () {
  "use strict";

  var desk = null;  // the drawing table of this map

  function element(tag, className, parent, text) {
    var made = L.DomUtil.create(tag, className, parent);
    if (text) { made.innerHTML = text; }
    return made;
  }

  // Where the table is a sheet at the foot of the map, as in style.css.
  function isSheet() { return window.matchMedia("(max-width: 760px)").matches; }

  // Pixels of a part of the map; none where its sides have changed places.
  function area(part) {
    return Math.max(0, part.right - part.left) * Math.max(0, part.foot - part.top);
  }

  function Desk(map) {
    this.map = map;
    this.shapes = L.layerGroup().addTo(map);
    this.box = element("div", "tg-desk", map.getContainer());
    L.DomEvent.disableClickPropagation(this.box);
    L.DomEvent.disableScrollPropagation(this.box);
    this.glass = null;
    this.points = [];
    this.file = null;  // {name, notes} of the file that the points came from, as they are
    this.names = {};  // author and note as they were typed
    this.saved = null;  // what is told of the drawing that was kept last
    this.turn = 0;  // goes on with every change: answers to anything older are dropped
  }

  Desk.prototype = {
    // pen: null, or {url, token, application_id, most_bytes, words,
    // utilities: [{key, name, colour, feeds, saved}]}
    show: function (pen) {
      var case_ = pen ? pen.application_id : null;
      if (this.pen && this.pen.application_id !== case_) { this.leave(); this.saved = null; }
      this.pen = pen;
      if (this.busy()) { return; }
      this.rest();
      this.resume();
    },
    // What is in hand, for when the map is made anew; nothing once it was kept or given up.
    remember: function (hand) {
      window.tonggou.remember("drawing-" + this.pen.application_id,
        hand ? JSON.stringify(hand) : "");
    },
    inHand: function () {
      return { utility: this.choice.value, feed: this.feed && this.feed.value, file: this.file,
        points: this.points.map(function (at) { return [at.lat, at.lng]; }), names: this.names,
        judged: !!this.judged };
    },
    resume: function () {
      var held = this.pen && window.tonggou.recalled("drawing-" + this.pen.application_id);
      if (!held) { return; }
      held = JSON.parse(held);
      this.start();
      this.choice.value = held.utility;
      if (!this.choice.value) { this.choice.selectedIndex = 0; }  // no longer asked for
      if (this.feed) { this.feed.value = held.feed || "1"; }
      this.points = held.points.map(function (at) { return L.latLng(at); });
      this.file = held.file;
      this.names = held.names;
      this.sketch();
      this.see(this.points, 19);
      if (held.judged) { this.judge(); }
    },
    busy: function () { return this.glass || this.judged; },
    rest: function () {
      var desk = this;
      this.box.innerHTML = "";
      this.box.className = "tg-desk";
      if (!this.pen) { return; }
      this.button(this.box, this.pen.words.draw, "tg-start", function () { desk.start(); });
      if (!this.saved) { return; }
      var told = element("p", "tg-saved", this.box, this.saved);
      told.setAttribute("role", "status");
      this.button(told, "×", "tg-close", function () { desk.saved = null; desk.rest(); })
        .setAttribute("aria-label", this.pen.words.close);
    },
    button: function (parent, text, className, act) {
      var button = element("button", className, parent, text);
      button.type = "button";
      L.DomEvent.on(button, "click", function (event) { L.DomEvent.stop(event); act(); });
      return button;
    },
    start: function () {
      this.choice = this.feed = this.file = this.judged = this.saved = null;
      this.points = [];
      this.names = {};
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
        desk.redrawn();
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
      this.button(row, words.undo, "", function () { desk.points.pop(); desk.redrawn(); });
      this.ready = this.button(row, words.judge, "tg-main", function () { desk.judge(); });
      this.button(row, words.cancel, "", function () { desk.stop(); });
      var picker = element("input", "", row);
      picker.type = "file";
      picker.hidden = true;
      picker.addEventListener("change", function () {
        if (picker.files.length) { desk.read(picker.files[0]); }
        picker.value = "";
      });
      this.picking = this.button(row, words.file, "", function () { picker.click(); });
      this.told = element("p", "tg-told", this.box);
      this.sketch();
    },
    redrawn: function () {
      this.file = null;
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
      this.remember(this.points.length ? this.inHand() : null);
      this.told.innerHTML = "";
      this.rests(false);
      if (this.feed) { this.feed.hidden = !(this.utility().feeds > 1); }
    },
    drawing: function () {
      return { application_id: this.pen.application_id, utility: this.utility().key,
        feed: this.number(), language: this.pen.language, line: this.points.map(function (at) {
          return [at.lng, at.lat];
        }) };
    },
    // Whether the buttons that ask the server rest; a line of one point is not judged.
    rests: function (resting) {
      this.ready.disabled = resting || this.points.length < 2;
      this.picking.disabled = resting;
    },
    // Sends a drawing or a file once: what asks for it rests until the answer is there.
    post: function (way, body, rest, told, done) {
      var desk = this, words = this.pen.words, turn = this.turn += 1;
      var isFile = body instanceof Blob, said = { token: this.pen.token };
      if (isFile) { said.name = body.name; said.language = this.pen.language; }
      told.className = "tg-told";
      told.innerHTML = isFile ? words.reading : words.waiting;
      rest(true);
      fetch(this.pen.url + way + "?" + new URLSearchParams(said), {
        method: "POST",
        headers: { "Content-Type": isFile ? "application/octet-stream" : "application/json" },
        body: isFile ? body : JSON.stringify(body)
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
    // The line of a file takes the place of the points, and is judged at once.
    read: function (file) {
      var desk = this;
      if (file.size > this.pen.most_bytes) {
        this.told.className = "tg-told tg-wrong";
        this.told.textContent = file.name + ": ";
        element("span", "", this.told, this.pen.words.large);
        return;
      }
      this.post("read", file, this.rests.bind(this), this.told, function (found) {
        desk.points = found.line.map(function (at) { return L.latLng(at[1], at[0]); });
        desk.file = { name: found.file, notes: found.notes };
        desk.sketch();
        desk.see(desk.points, 18);
        desk.judge();
      });
    },
    // The larger part of the map that the table leaves free: beside it, above or below it.
    free: function () {
      var size = this.map.getSize(), box = this.box, gap = 10;
      var whole = { left: gap, top: gap, right: size.x - gap, foot: size.y - gap };
      return [
        L.extend({}, whole, { right: box.offsetLeft - gap }),
        L.extend({}, whole, { foot: box.offsetTop - gap }),
        L.extend({}, whole, { top: box.offsetTop + box.offsetHeight + gap })
      ].sort(function (a, b) { return area(b) - area(a); })[0];
    },
    // Moves the map only if something of a line is not to be seen beside the table.
    see: function (points, nearest) {
      var size = this.map.getSize(), map = this.map, free = this.free();
      var within = L.bounds([free.left, free.top], [free.right, free.foot]);
      var seen = points.every(function (at) {
        return within.contains(map.latLngToContainerPoint(at));
      });
      if (seen) { return; }
      map.fitBounds(points, { animate: false, maxZoom: nearest,
        paddingTopLeft: [free.left + 20, free.top + 20],
        paddingBottomRight: [size.x - free.right + 20, size.y - free.foot + 20] });
    },
    judge: function () {
      var desk = this, drawing = this.drawing(), utility = this.utility();
      this.post("judge", drawing, this.rests.bind(this), this.told, function (found) {
        desk.card(drawing, utility, found);
      });
    },
    card: function (drawing, utility, found) {
      var desk = this, words = this.pen.words;
      this.lift();
      this.judged = drawing;
      this.remember(this.inHand());
      this.shapes.clearLayers();
      L.polyline(found.line, { className: "tg-drawn", interactive: false, color: utility.colour,
        weight: 4, dashArray: "2 6" }).addTo(this.shapes);
      L.polyline(found.other || [], { className: "tg-drawn", interactive: false,
        color: utility.colour, weight: 2, dashArray: "2 6" }).addTo(this.shapes);
      found.faults.forEach(function (fault) {
        L.polyline(fault.points, { className: "tg-fault", color: "#c62828", weight: 9,
          opacity: 0.55 }).bindTooltip(fault.label, { className: "tg-tip" }).addTo(desk.shapes);
      });
      found.clearances.forEach(function (pair) { window.tonggou.clearance(desk.shapes, pair); });
      this.box.innerHTML = "";
      this.box.className = "tg-desk tg-open tg-card";
      element("b", "", this.box, this.called(utility, drawing.feed) + " " + words.drawn);
      var body = element("div", "tg-body", this.box, found.html);
      if (this.file) { this.origin(body); }
      var unfold = function (open) {
        body.querySelectorAll("details").forEach(function (one) { one.open = open; });
      };
      unfold(!isSheet());
      var row = element("div", "tg-row", this.box);
      var author = element("input", "", row), note = element("input", "", row);
      author.placeholder = words.author; author.maxLength = 80;
      note.placeholder = words.note; note.maxLength = 400;
      author.value = this.names.author || "";
      note.value = this.names.note || (this.file ? this.file.name : "");
      [author, note].forEach(function (one) {
        one.addEventListener("input", function () {
          desk.names = { author: author.value, note: note.value };
          desk.remember(desk.inHand());
        });
      });
      row = element("div", "tg-row", this.box);
      var told = element("p", "tg-told", this.box);
      var rest = function (resting) { keep.disabled = change.disabled = discard.disabled = resting; };
      var keep = this.button(row, words.keep, "tg-main", function () {
        var kept = L.extend({}, drawing, { author: author.value, note: note.value });
        desk.post("keep", kept, rest, told, function () {
          desk.saved = utility.saved;
          desk.stop();
          desk.refresh();
        });
      });
      var change = this.button(row, words.change, "", function () {
        desk.judged = null; desk.lay(); desk.tools();
      });
      var discard = this.button(row, words.discard, "", function () { desk.stop(); });
      if (body.querySelector("details")) {
        this.button(row, words.details, "tg-unfold", function () {
          var first = body.querySelector("details");
          unfold(!first.open);
          body.scrollTop = first.offsetTop - body.offsetTop;
        });
      }
      this.see(found.line.concat(found.other || []), this.map.getZoom());
    },
    // The file that the line came from, and what was met in reading it.
    origin: function (parent) {
      var folded = element("details", "", parent);
      element("summary", "", folded, this.pen.words.read);
      [this.file.name].concat(this.file.notes).forEach(function (text) {
        element("p", "", folded).textContent = text;
      });
    },
    // Over, whether it was kept or given up.
    stop: function () {
      this.remember(null);
      this.leave();
    },
    leave: function () {
      this.lift();
      this.turn += 1;
      this.points = [];
      this.judged = this.file = null;
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
