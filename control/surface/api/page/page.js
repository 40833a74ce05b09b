// Draws the OpenAPI document, and sends requests by hand. Everything comes from this box; nothing is loaded from elsewhere.
'use strict';

let csrf = '';

// An element with text and children; text is never taken as HTML.
function make(name, ...parts) {
  const element = document.createElement(name);
  element.append(...parts);
  return element;
}

function resolve(spec, schema) {
  return schema && schema.$ref ? spec.components.schemas[schema.$ref.split('/').pop()] : schema;
}

function describe(spec, schema, depth = 0) {
  const inner = resolve(spec, schema) || {};
  if (depth > 5) return '...';
  if (inner.type === 'object') {
    const fields = {};
    for (const [name, field] of Object.entries(inner.properties || {})) fields[name] = describe(spec, field, depth + 1);
    return fields;
  }
  if (inner.type === 'array') return [describe(spec, inner.items, depth + 1)];
  const words = [inner.enum ? inner.enum.join(' | ') : inner.type];
  if (inner.minimum !== undefined) words.push(`${inner.minimum} to ${inner.maximum}`);
  if (inner.default !== undefined) words.push(`default ${JSON.stringify(inner.default)}`);
  if (inner.description) words.push(inner.description);
  return words.join('; ');
}

async function send(method, path, body, output) {
  const headers = {};
  if (csrf) headers['X-CSRF-Token'] = csrf;
  if (body) headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  try {
    const answer = await fetch(path, { method, headers, body: body || undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it is */ }
    output.textContent = `${answer.status} ${answer.statusText}\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function parameterTable(parameters) {
  const rows = parameters.map((one) => make('tr', make('td', make('code', one.name)), make('td', one.in),
    make('td', one.schema.type), make('td', one.description || '')));
  return make('table', ...rows);
}

function operation(spec, path, method, about) {
  const box = make('details', make('summary', make('b', method.toUpperCase()), make('code', path), ' ', about.summary));
  box.append(make('p', `Permission: ${about['x-permission']}`));
  if (about.parameters) box.append(parameterTable(about.parameters));
  const body = about.requestBody && Object.values(about.requestBody.content)[0].schema;
  if (body) box.append(make('p', 'Body'), make('pre', JSON.stringify(describe(spec, body), null, 2)));
  const good = Object.entries(about.responses)[0];
  const content = good[1].content && Object.values(good[1].content)[0].schema;
  box.append(make('p', `Answer ${good[0]}`));
  if (content) box.append(make('pre', JSON.stringify(describe(spec, content), null, 2)));
  const target = make('input');
  target.value = path;
  target.size = 60;
  const text = make('textarea');
  const go = make('button', 'Send');
  const output = make('pre');
  go.type = 'button';
  go.addEventListener('click', () => send(method.toUpperCase(), target.value, text.value, output));
  box.append(make('p', target, ' ', go));
  if (body) box.append(text);
  if (!('text/event-stream' in (good[1].content || {}))) box.append(output);
  return box;
}

function draw(spec) {
  const byTag = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, about] of Object.entries(methods)) {
      const tag = about.tags[0];
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(operation(spec, path, method, about));
    }
  }
  const main = document.getElementById('operations');
  for (const [tag, boxes] of byTag) main.append(make('section', make('h2', tag), ...boxes));
}

function find(event) {
  const words = event.target.value.toLowerCase();
  for (const box of document.querySelectorAll('details')) {
    box.hidden = !box.querySelector('summary').textContent.toLowerCase().includes(words);
  }
}

async function logIn(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const answer = await fetch('/api/v1/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: form.get('name'), password: form.get('password') }),
  });
  const session = await answer.json();
  csrf = session.csrf_token || '';
  document.getElementById('who').textContent = answer.ok ? `${session.account}, ${session.role}` : session.detail;
  event.target.reset();
}

document.getElementById('find').addEventListener('input', find);
document.getElementById('login').addEventListener('submit', logIn);
fetch('/api/v1/openapi.json').then((answer) => answer.json()).then(draw);
