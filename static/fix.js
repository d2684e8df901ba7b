/* Tonggou's part of the map. Runs in the map's frame, right after Leaflet.
   Every text that arrives here was escaped by api/escape.py. */
(function () {
  "use strict";

  L.Icon.Default.imagePath = "/assets/leaflet/images/";
  L.Control.Attribution.prototype.options.prefix = "Leaflet";

  var token = null, views = [], focused = null;
  var REACH_PX = L.Browser.mobile ? 14 : 6;  // so far from a main it is still meant
  var REST_MS = 120;  // a pointer that passes by asks nothing
  var LETTER_PX = 24;  // so far apart stand the middles of letters of courses
  var PARCEL = { className: "tg-parcel", interactive: false, color: "#c2410c", weight: 2.5,
    fillColor: "#f59e0b", fillOpacity: 0.28 };

  /* ---- layers fetched by view ------------------------------------------------------- */

  var ViewLayer = L.GeoJSON.extend({
    // options: url, title, minZoom, pane, interactive, base and kinds (styles), pick (of a kind),
    // tells (the layer's name, where what is pointed at is told)
    initialize: function (options) {
      var group = this, look = function (feature) { return styleOf(options, feature.properties); };
      L.GeoJSON.prototype.initialize.call(this, null, L.extend({}, options, {
        style: look,
        pointToLayer: function (feature, at) { return L.circleMarker(at, look(feature)); },
        onEachFeature: function (feature, layer) {
          if (!options.interactive) { return; }
          if (!L.Browser.mobile) { describe(feature, layer, group); }
          layer.on("click", function () { glimpse(group._map, feature); });
        }
      }));
    },
    onAdd: function (map) {
      var pane = map.getPane(this.options.pane) || map.createPane(this.options.pane);
      pane.style.zIndex = this.options.zIndex;
      if (!this.options.interactive) { pane.style.pointerEvents = "none"; }
      this.options.renderer = L.canvas({ pane: this.options.pane, padding: 0.3,
        tolerance: this.options.tells ? REACH_PX : 0 });
      L.GeoJSON.prototype.onAdd.call(this, map);
      map.on("moveend", this.load, this);
      views.push(this);
      this.load();
    },
    onRemove: function (map) {
      this._abort();
      map.off("moveend", this.load, this);
      views.splice(views.indexOf(this), 1);
      L.GeoJSON.prototype.onRemove.call(this, map);
      notice(map);
    },
    load: function () {
      var map = this._map, zoom = map && map.getZoom();
      if (!map || !token) { return; }
      this.hidden = zoom < this.options.minZoom;
      if (this.hidden) {
        this._abort();
        this.clearLayers();
        this.covered = null;
        return notice(map);
      }
      if (this.covered && this.covered.contains(map.getBounds())) { return notice(map); }
      this._fetch(map);
    },
    _abort: function () {
      if (this.request) { this.request.abort(); this.request = null; }
    },
    _fetch: function (map) {
      this._abort();
      var size = map.getSize(), bounds = map.getBounds().pad(0.2);
      if (!size.x || !size.y) { return; }  // not laid out yet: it moves when it gets its size
      var request = this.request = new AbortController(), layer = this;
      var url = this.options.url + "?bbox=" + bounds.toBBoxString() +
        "&token=" + encodeURIComponent(token);
      fetch(url, { signal: request.signal }).then(function (answer) {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.json();
      }).then(function (found) {
        layer.clearLayers();
        layer.addData(found);
        layer.failed = false;
        layer.truncated = found.truncated ? found.features.length + " / " + found.total : null;
        layer.covered = found.truncated ? map.getBounds() : bounds;
        notice(map);
      }).catch(function (error) {
        if (error.name === "AbortError") { return; }
        layer.failed = true;
        notice(map);
      });
    }
  });

  function styleOf(options, properties) {
    var kind = options.pick ? options.pick(properties.k) : properties.k;
    var look = L.extend({}, options.base, options.kinds[kind]);
    return properties.m ? L.extend(look, options.marked) : look;
  }

  function describe(feature, layer, group) {
    var text = feature.properties.id + (feature.properties.t ? " " + feature.properties.t : "");
    layer.bindTooltip(function () { return text + outcomesOf(feature.properties.id); }, { sticky: true, className: "tg-tip", direction: "top" });
    layer.on({
      mouseover: function () { layer.setStyle({ weight: 2, color: "#8a6d3b" }); },
      mouseout: function () { group.resetStyle(layer); }
    });
  }

  /* ---- existing mains and nodes: told where one points, while parcels keep every click */

  // The nearest node, else the nearest main, within reach of a place in layer pixels; or null.
  function existingAt(at) {
    var found = null, least = Infinity;
    views.slice().reverse().forEach(function (layer) {
      if (found || !layer.options.tells || layer.hidden) { return; }
      layer.eachLayer(function (one) {
        if (!one._containsPoint(at)) { return; }
        var near = one.closestLayerPoint ? one.closestLayerPoint(at) : null;
        var far = near ? near.distance : at.distanceTo(one._point);
        if (far < least) { least = far; found = { layer: layer.options.tells, id: one.feature.properties.id }; }
      });
    });
    return found;
  }

  function tellExisting(map, options) {
    var tip = L.tooltip({ className: "tg-tip tg-existing", offset: [10, 14] });
    var resting = null, request = null, told = null;
    function forget() {
      clearTimeout(resting);
      if (request) { request.abort(); request = null; }
      told = null;
      tip.remove();
    }
    function ask(thing, at) {
      request = new AbortController();
      fetch(options.existing + "?layer=" + thing.layer + "&id=" + encodeURIComponent(plain(thing.id)) +
        "&language=" + options.language + "&token=" + encodeURIComponent(token),
        { signal: request.signal }).then(function (answer) {
          if (!answer.ok) { throw new Error(String(answer.status)); }
          return answer.json();
        }).then(function (found) {
          tip.setLatLng(at).setContent(found.label).addTo(map);
        }).catch(function () { /* gone meanwhile: there is nothing to tell */ });
    }
    function point(event, after) {
      var on = event.originalEvent && event.originalEvent.target, thing = null;  // none where draw.js clicks
      if (on && (on.tagName === "CANVAS" || on === map.getContainer())) { thing = existingAt(event.layerPoint); }
      if (thing && told === thing.layer + thing.id) { return; }
      forget();
      if (!thing) { return; }
      told = thing.layer + thing.id;
      resting = setTimeout(function () { ask(thing, event.latlng); }, after);
    }
    map.on("mousemove", function (event) { point(event, REST_MS); });
    map.on("click", function (event) { point(event, 0); });
    map.on("mouseout movestart zoomstart", forget);
  }

  /* ---- the screening in force: parcels coloured by it, and a glimpse of a clicked one's lines */

  // What the page told of it; the layer that colours; the six lines until the plan is drawn.
  var screening = null, tints = null, lines = null, asking = null;

  // What a visitor's tab keeps though the map is made anew: the colouring chosen ("" for none),
  // whether the map stood without a screening, so that one that comes is shown at once, and what
  // is being drawn (draw.js).
  function recalled(name) {
    try { return window.sessionStorage.getItem("tonggou-" + name); } catch (error) { return null; }
  }
  function remember(name, value) {
    try { window.sessionStorage.setItem("tonggou-" + name, value); } catch (error) { /* not kept */ }
  }

  // Another screening, or none any more: nothing of the one before stays on the map.
  function useScreening(map, told) {
    var lacked = recalled("lacking") === "1";
    remember("lacking", told ? "0" : "1");
    if ((told && told.layer) === (screening && screening.layer)) { return; }
    var chosen = recalled("tint");
    if (lacked && told) { remember("tint", chosen = chosen || "worst"); }
    endGlimpse();
    tint(map, null);
    screening = told;
    var box = map.getContainer().querySelector(".tg-tints");
    box.style.display = told ? "block" : "none";
    box.innerHTML = told ? tintsChoice(told) : "";
    if (!told) { return; }
    var select = box.querySelector("select");
    select.onchange = function () { remember("tint", select.value); tint(map, select.value); };
    if (chosen) { select.value = chosen; tint(map, chosen); }
  }

  function tintsChoice(told) {
    var option = function (value, name) {
      return '<option value="' + value + '">' + name + "</option>";
    };
    var keys = told.outcomes.map(function (one) {
      return '<span class="tg-key"><i style="background:' + one.colour + '"></i>' + one.name + "</span>";
    });
    return "<label>" + told.prompt + " <select>" + option("", told.none) +
      option("worst", told.title + ":" + told.worst) +
      told.utilities.map(function (name, i) { return option(i, told.title + ":" + name); }).join("") +
      '</select></label><div class="tg-tint-keys" hidden>' + keys.join("") +
      "<small>" + told.note + "</small></div>";
  }

  // Colour by the strictest outcome of a parcel ("worst") or by that of one utility (its place).
  // Outcomes stand strictest first, so the least sign is the strictest.
  function tint(map, chosen) {
    var keys = map.getContainer().querySelector(".tg-tint-keys");
    if (keys) { keys.hidden = !chosen; }
    map.getContainer().classList.toggle("tg-tinted", Boolean(chosen));
    unfill(Boolean(chosen));
    if (!chosen) {
      if (tints) { map.removeLayer(tints); }
      tints = null;
      return;
    }
    if (!tints) { tints = tintsLayer(screening).addTo(map); }
    tints.chosen = chosen;
    tints.resetStyle();
  }

  // The colours lie below the parcels, whose borders tell which of them have an application.
  function unfill(isTinted) {
    views.forEach(function (layer) {
      if (layer.options.pane !== "tg-parcels") { return; }
      layer.options.base.fillOpacity = isTinted ? 0 : 1;
      layer.resetStyle();
    });
  }

  function tintsLayer(told) {
    var kinds = { "-": { fillOpacity: 0 } }, layer;
    told.outcomes.forEach(function (one, i) { kinds[i] = { fillColor: one.colour }; });
    layer = new ViewLayer({ url: told.layer, title: told.title, minZoom: 14, pane: "tg-tints",
      zIndex: 215, kinds: kinds, base: { stroke: false, fillOpacity: 0.65 },
      pick: function (signs) {
        if (layer.chosen !== "worst") { return signs[layer.chosen]; }
        return signs.split("").sort().filter(function (sign) { return sign !== "-"; })[0] || "-";
      } });
    return layer;
  }

  // What comes of a parcel's lines, for its tooltip while parcels are coloured.
  function outcomesOf(id) {
    var found = tints && tints.getLayers().find(function (one) {
      return one.feature.properties.id === id;
    });
    return found ? screening.utilities.map(function (name, i) {
      var one = screening.outcomes[found.feature.properties.k[i]];
      return one ? "<br>" + name + " " + one.name : "";
    }).join("") : "";
  }

  // The clicked parcel with its lines takes the place of the case before, until its plan is drawn.
  function glimpse(map, parcel) {
    var id = parcel.properties.id;
    endGlimpse();
    if (!screening || id === map.tonggouParcel) { return; }
    asking = new AbortController();
    fetch(screening.lines + "?parcel=" + encodeURIComponent(plain(id)) + "&language=" +
      screening.language + "&token=" + encodeURIComponent(token), { signal: asking.signal })
      .then(function (answer) {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.json();
      }).then(function (found) {
        if (map.tonggouCase) { map.tonggouCase.clearLayers(); }
        lines = L.featureGroup().addTo(map);
        L.geoJSON(parcel, { interactive: false, style: PARCEL }).addTo(lines);
        found.features.forEach(function (line) {
          if (!line.geometry) { return; }
          var look = line.properties, points = line.geometry.coordinates.map(function (at) {
            return [at[1], at[0]];
          });
          L.polyline(points, { className: "tg-glimpse", color: look.colour, weight: 3.5,
            dashArray: look.dash || null, smoothFactor: 0 })
            .bindTooltip(look.label, { sticky: true, className: "tg-tip" }).addTo(lines);
        });
      }).catch(function () { /* the plan comes all the same */ });
  }

  function endGlimpse() {
    if (asking) { asking.abort(); asking = null; }
    if (lines) { lines.remove(); lines = null; }
  }

  // An id as it is, out of the text that was made safe for the page.
  function plain(text) {
    return new DOMParser().parseFromString(text, "text/html").documentElement.textContent;
  }

  /* ---- street names: one per street and view, along the street, never on top of each other */

  var StreetNames = L.LayerGroup.extend({
    // options: url, minZoom
    initialize: function (options) { L.LayerGroup.prototype.initialize.call(this, [], options); },
    onAdd: function (map) {
      map.createPane("tg-names").style.cssText = "z-index:390;pointer-events:none";
      L.LayerGroup.prototype.onAdd.call(this, map);
      map.on("moveend", this.load, this);
      views.push(this);
      this.load();
    },
    load: function () {
      var map = this._map, zoom = map && map.getZoom();
      if (!map || !token) { return; }
      if (zoom < this.options.minZoom) { return this.clearLayers(); }
      if (this.covered && this.covered.contains(map.getBounds())) { return this.place(map); }
      ViewLayer.prototype._fetch.call(this, map);
    },
    _abort: ViewLayer.prototype._abort,
    addData: function (found) { this.streets = found.features; this.place(this._map); },
    place: function (map) {
      this.clearLayers();
      var taken = [], size = map.getSize(), names = {}, layer = this, routes = onScreen(map);
      (this.streets || []).forEach(function (street) {
        var name = street.properties.t, lines = street.geometry.coordinates;
        if (!name) { return; }
        if (street.geometry.type === "LineString") { lines = [lines]; }
        lines.forEach(function (line) {
          for (var i = 1; i < line.length; i++) {
            var a = map.latLngToContainerPoint([line[i - 1][1], line[i - 1][0]]);
            var b = map.latLngToContainerPoint([line[i][1], line[i][0]]);
            (names[name] = names[name] || []).push({ a: a, b: b, long: a.distanceTo(b) });
          }
        });
      });
      Object.keys(names).forEach(function (name) {
        var best = names[name].sort(function (p, q) { return q.long - p.long; }).find(function (p) {
          var mid = p.a.add(p.b).divideBy(2);
          return p.long > 40 && mid.x > 30 && mid.y > 30 && mid.x < size.x - 30 &&
            mid.y < size.y - 30 && taken.every(function (at) { return at.distanceTo(mid) > 90; }) &&
            routes.every(function (pair) {
              return L.LineUtil.pointToSegmentDistance(mid, pair[0], pair[1]) > 45;
            });
        });
        if (!best) { return; }
        var at = best.a.add(best.b).divideBy(2);
        var angle = Math.atan2(best.b.y - best.a.y, best.b.x - best.a.x) * 180 / Math.PI;
        if (angle > 90) { angle -= 180; } else if (angle < -90) { angle += 180; }
        taken.push(at);
        layer.addLayer(L.marker(map.containerPointToLatLng(at), { pane: "tg-names",
          interactive: false, icon: L.divIcon({ className: "tg-street", iconSize: [0, 0],
            html: '<span style="transform:translate(-50%,-50%) rotate(' + angle.toFixed(1) +
              'deg)">' + name + "</span>" }) }));
      });
    }
  });

  // The pieces of the case's routes in pixels: no street name may lie on them.
  function onScreen(map) {
    var pieces = [];
    (map.tonggouRoutes || []).forEach(function (points) {
      var at = points.map(function (point) { return map.latLngToContainerPoint(point); });
      for (var i = 1; i < at.length; i++) { pieces.push([at[i - 1], at[i]]); }
    });
    return pieces;
  }

  function notice(map) {
    var box = map.getContainer().querySelector(".tg-notice"), lines = [], texts = map.tonggou;
    if (!box) { return; }
    var titles = function (list) {
      return list.map(function (layer) { return layer.options.title; }).join(texts.and);
    };
    var hidden = views.filter(function (layer) { return layer.hidden; });
    if (hidden.length) { lines.push(texts.zoomIn + titles(hidden)); }
    views.forEach(function (layer) {
      if (!layer.hidden && layer.truncated) {
        lines.push(layer.options.title + " " + layer.truncated + " " + texts.truncated);
      }
    });
    var failed = views.filter(function (layer) { return !layer.hidden && layer.failed; });
    if (failed.length) { lines.push(titles(failed) + " " + texts.failed); }
    box.innerHTML = lines.join("<br>");
    box.style.display = lines.length ? "block" : "none";
  }

  /* ---- fixed furniture: scale, legend, note ------------------------------------------- */

  function box(map, position, html, className) {
    var control = L.control({ position: position });
    control.onAdd = function () {
      var element = L.DomUtil.create("div", className);
      element.innerHTML = html;
      L.DomEvent.disableClickPropagation(element);
      return element;
    };
    control.addTo(map);
  }

  // Folded to a button where the map is narrow or low, as in style.css.
  function legend(map, options) {
    var folds = L.DomUtil.create("details", "tg-legend"), control = L.control({ position: "bottomleft" });
    L.DomUtil.create("summary", "", folds).textContent = options.legendTitle;
    L.DomUtil.create("div", "tg-keys", folds).innerHTML = options.legend;
    folds.open = !window.matchMedia("(max-width: 760px), (max-height: 420px)").matches;
    L.DomEvent.disableClickPropagation(folds);
    control.onAdd = function () { return folds; };
    control.addTo(map);
  }

  function furnish(map, options) {
    map.tonggou = options;
    map.attributionControl.setPosition("bottomright");
    L.control.zoom({ position: "topright" }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomright", maxWidth: 100 }).addTo(map);
    box(map, "topleft", options.note, "tg-note");
    box(map, "topleft", "", "tg-notice");
    box(map, "topleft", "", "tg-tints");
    legend(map, options);
    map.on("zoomend", function () { setApart(map); });
    tellExisting(map, options);
    open(map, options);
  }

  // The style sheet arrives after the map: follow the size of the box, and show the whole again
  // until somebody has taken hold of the map.
  function open(map, options) {
    var held = false, box = map.getContainer();
    var fit = function () {
      map.fitBounds(options.bounds, { animate: false });
      if (map.getZoom() < options.openZoom) { map.setView(options.middle, options.openZoom, { animate: false }); }
    };
    ["pointerdown", "wheel", "keydown"].forEach(function (kind) {
      box.addEventListener(kind, function () { held = true; }, { once: true, passive: true });
    });
    fit();
    new ResizeObserver(function () {
      map.invalidateSize({ animate: false });
      if (!held && !focused) { fit(); }
    }).observe(box);
  }

  /* ---- the case in hand ---------------------------------------------------------------- */

  // A line whose points carry in `alt` how many pixels it runs beside its true place, so that
  // lines of one trench stay visible side by side.
  var LaneLine = L.Polyline.extend({
    options: { smoothFactor: 0, noClip: true, lineCap: "butt", lineJoin: "round" },
    _projectLatlngs: function (points, result, bounds) {
      var map = this._map, flat = points.map(function (point) {
        return map.latLngToLayerPoint(point);
      });
      result.push(flat.map(function (point, i) {
        var shifted = point.add(shift(flat, i).multiplyBy(points[i].alt || 0));
        bounds.extend(shifted);
        return shifted;
      }));
    }
  });

  function direction(points, from, step) {
    for (var i = from + step; i >= 0 && i < points.length; i += step) {
      var way = points[i].subtract(points[from]).multiplyBy(step);
      var length = Math.hypot(way.x, way.y);
      if (length > 0.01) { return way.divideBy(length); }
    }
    return null;
  }

  function shift(points, i) {
    var before = direction(points, i, -1), after = direction(points, i, 1);
    var one = before || after, two = after || before;
    if (!one) { return L.point(0, 0); }
    var sum = one.add(two), size = sum.x * sum.x + sum.y * sum.y;
    if (size < 0.5) { sum = one.multiplyBy(2); size = 4; }  // a sharp turn: no long spike
    return L.point(-sum.y, sum.x).multiplyBy(2 / size);
  }

  function lane(group, points, style) {
    var latlngs = points.map(function (point) { return L.latLng(point[0], point[1], point[2]); });
    return new LaneLine(latlngs, style).addTo(group);
  }

  // A click on what is drawn of the case says what it is and goes no further: lines stand beside
  // each other for the eye, over parcels that they do not touch.
  function drawCase(group, map, drawing) {
    group.clearLayers();
    endGlimpse();
    map.tonggouCase = group;
    map.tonggouParcel = drawing.parcel && drawing.parcel.label;
    if (drawing.parcel) {
      L.polygon(drawing.parcel.rings, PARCEL).addTo(group);
      // Not a tooltip: one that is measured before the style sheet is there stands elsewhere.
      L.marker(drawing.parcel.at, { interactive: false, pane: "tooltipPane",
        icon: L.divIcon({ className: "tg-parcel-label", iconSize: [0, 0],
          html: "<span>" + drawing.parcel.label + "</span>" }) }).addTo(group);
    }
    drawing.routes.forEach(function (route) {
      lane(group, route.points, { className: "tg-halo", interactive: false, color: "#ffffff",
        weight: route.weight + 3.5, opacity: 0.9 });
    });
    drawing.bands.forEach(function (band) {
      lane(group, band.points, { className: "tg-band", interactive: false, color: "#ffcf40",
        weight: band.width, opacity: 0.7 });
    });
    drawing.strips.forEach(function (strip) {
      L.polygon(strip.rings, { className: "tg-strip", interactive: false, weight: 1.2,
        color: strip.colour, opacity: 0.7, fillColor: strip.colour, fillOpacity: 0.07 }).addTo(group);
    });
    drawing.crossings.forEach(function (crossing) {
      lane(group, crossing.points, { className: "tg-crossing", interactive: false,
        color: "#12344d", weight: 10, opacity: 0.28 });
    });
    drawing.routes.forEach(function (route) {
      lane(group, route.points, { className: "tg-route tg-" + route.utility, color: route.colour,
        bubblingMouseEvents: false, weight: route.weight, dashArray: route.dash, opacity: route.faint ? 0.45 : 1 })
        .bindTooltip(route.label, { sticky: true, className: "tg-tip" });
    });
    drawing.others.forEach(function (other) { course(group, other); });
    drawing.faults.forEach(function (fault) {
      L.polyline(fault.points, { className: "tg-fault", color: "#c62828", weight: 9, opacity: 0.5,
        bubblingMouseEvents: false })
        .bindTooltip(fault.label, { sticky: true, className: "tg-tip" }).addTo(group);
    });
    if (drawing.spot) { spotlight(group, drawing.spot); }
    drawing.clearances.forEach(function (pair) { clearance(group, pair); });
    drawing.survey.forEach(function (point) { spot(group, point, "tg-spot tg-survey"); });
    drawing.rejected.forEach(function (place) { spot(group, place, "tg-spot tg-rejected"); });
    drawing.places.forEach(function (place) { spot(group, place, "tg-place"); });
    drawing.rings.forEach(function (ring) {
      L.circleMarker(ring.at, { className: "tg-ring", radius: 6.5, weight: 3,
        bubblingMouseEvents: false, color: ring.colour, fillColor: "#ffffff", fillOpacity: 1 }).addTo(group)
        .bindTooltip(ring.label, { className: "tg-tip" });
    });
    drawing.ends.forEach(function (end) {
      L.circleMarker(end.at, { className: "tg-end", interactive: false, radius: 4, weight: 2,
        color: "#ffffff", fillColor: "#12344d", fillOpacity: 1 }).addTo(group);
    });
    map.tonggouBadges = drawing.others.filter(function (other) { return other.letter; })
      .map(function (other) { return badge(group, other); });
    map.tonggouRoutes = drawing.routes.map(function (route) { return route.points; });
    views.forEach(function (layer) { if (layer.place) { layer.place(map); } });
    focus(map, drawing);
    setApart(map);
  }

  // A course to compare: thin; a drawn one dotted.
  function course(group, other) {
    if (other.shown) {
      L.polyline(other.points, { className: other.drawn ? "tg-manual" : "tg-other",
        color: other.colour, weight: other.drawn ? 3.5 : 2.2, opacity: 0.85,
        bubblingMouseEvents: false,
        dashArray: other.drawn ? "2 6" : null })
        .bindTooltip(other.label, { sticky: true, className: "tg-tip" }).addTo(group);
    }
  }

  // The letter of a course, in its middle until the letters are set apart.
  function badge(group, other) {
    var icon = L.divIcon({ className: "tg-badge", iconSize: [18, 18], html: other.letter });
    return { points: other.points, mark: L.marker(along(other.points, 0.5),
      { interactive: false, icon: icon }).addTo(group) };
  }

  // Letters move along their courses, each as little as needed not to lie on one before it; where
  // there is no such place, to the one that is farthest from the others.
  function setApart(map) {
    var taken = [];
    (map.tonggouBadges || []).forEach(function (one) {
      var places = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9].map(function (part) {
        var at = along(one.points, part), pixel = map.latLngToLayerPoint(at);
        var room = taken.map(function (other) { return other.distanceTo(pixel); });
        return { at: at, pixel: pixel, room: Math.min.apply(null, room.concat(LETTER_PX)) };
      });
      var best = places.reduce(function (a, b) { return b.room > a.room ? b : a; });
      one.mark.setLatLng(best.at);
      taken.push(best.pixel);
    });
  }

  // A place along a line by the part of its length, in degrees: near enough for a badge.
  function along(points, part) {
    var left = 0, i;
    for (i = 1; i < points.length; i++) { left += span(points, i) * part; }
    for (i = 1; i < points.length - 1 && span(points, i) < left; i++) { left -= span(points, i); }
    var a = points[i - 1], b = points[i], share = Math.min(1, left / (span(points, i) || 1));
    return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
  }

  function span(points, i) {
    return L.latLng(points[i - 1][0], points[i - 1][1]).distanceTo([points[i][0], points[i][1]]);
  }

  // What was chosen in a table: its feature in a bold line on white, and a ring round the place.
  function spotlight(group, spot) {
    [["#ffffff", 9], ["#0b57d0", 5]].forEach(function (look) {
      var style = { className: "tg-spotlight", interactive: false, color: look[0], weight: look[1], fill: false };
      spot.lines.forEach(function (points) { L.polyline(points, style).addTo(group); });
      L.circleMarker(spot.at, Object.assign({ radius: 17 }, style)).addTo(group);
    });
  }

  function clearance(group, pair) { spot(group, pair, "tg-spot tg-clear-" + pair.status); }

  // A mark that differs by shape as well as by colour (style.css).
  function spot(group, mark, className) {
    L.marker(mark.at, { icon: L.divIcon({ className: className, iconSize: [15, 15], html: "<i></i>" }) })
      .bindTooltip(mark.label, { className: "tg-tip" }).addTo(group);
  }

  // Move only when another case was chosen, so that the view stays where the user put it.
  function focus(map, drawing) {
    if (!drawing.bounds || drawing.focus === focused) { return; }
    focused = drawing.focus;
    var bounds = L.latLngBounds(drawing.bounds);
    var size = map.getSize(), small = size.x < 600 || size.y < 420;
    var free = small ? { left: 20, top: 45, right: 20, bottom: 60 }  // the button of the legend lies below
      : { left: 90, top: 70, right: 90, bottom: 90 };
    var first = map.latLngToContainerPoint(bounds.getNorthWest());
    var last = map.latLngToContainerPoint(bounds.getSouthEast());
    var inSight = first.x > free.left && first.y > free.top && last.x < size.x - free.right &&
      last.y < size.y - free.bottom && map.getZoom() > 15;
    if (drawing.gently && inSight) { return; }
    map.fitBounds(bounds, { maxZoom: 19, animate: false, paddingTopLeft: [free.left, free.top],
      paddingBottomRight: [free.right, free.bottom] });
  }

  window.tonggou = {
    recalled: recalled,
    remember: remember,
    furnish: furnish,
    drawCase: drawCase,
    clearance: clearance,
    useScreening: useScreening,
    viewLayer: function (options) {
      return options.names ? new StreetNames(options) : new ViewLayer(options);
    },
    useToken: function (value) {
      token = value;
      views.forEach(function (layer) { layer.load(); });
    }
  };
})();
