// Events as they happen, over one connection for all tabs of a browser: a browser has six to a host over HTTP/1.1, and the
// seventh tab would hang. The tab that holds the lock listens and tells the others; when it goes, another one takes over where
// it was.
// After two failures in a row it asks every few seconds instead, and tries the stream again from time to time.

import { get, isOnline } from './api.js';

/** @typedef {{type: string, id: string, created_at: string, data: any}} LiveEvent */
/** @typedef {'starting' | 'live' | 'polling' | 'offline'} Mode */

const FAILURES_BEFORE_POLLING = 2;
const POLL_MILLISECONDS = 4000;
const STREAM_AGAIN_MILLISECONDS = 60_000;
const RETRY_MILLISECONDS = 1500;

/** @type {Set<(event: LiveEvent) => void>} */
const readers = new Set();
/** @type {Set<(mode: Mode) => void>} */
const watchers = new Set();
/** @type {Mode} */
let mode = 'starting';
let lastId = '';
let isLeader = false;
const channel = new BroadcastChannel('postern-live');

/** @param {(event: LiveEvent) => void} reader @returns {() => void} ends it */
export function onEvent(reader) {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** @param {(mode: Mode) => void} watcher */
export function onMode(watcher) {
  watchers.add(watcher);
  watcher(mode);
}

/** @param {Mode} now */
function setMode(now) {
  if (now === mode) return;
  mode = now;
  for (const watcher of watchers) watcher(now);
}

/** @param {LiveEvent} event */
function deliver(event) {
  lastId = event.id || lastId;
  for (const reader of readers) {
    try {
      reader(event);
    } catch (error) {
      console.error(error);
    }
  }
}

/** @param {LiveEvent} event */
function tell(event) {
  channel.postMessage({ event });
  deliver(event);
}

/** @param {Mode} now */
function tellMode(now) {
  channel.postMessage({ mode: now, lastId });
  setMode(now);
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Ends when the connection does; true: it had been open.
 * @returns {Promise<boolean>}
 */
function listen() {
  return new Promise((resolve) => {
    let opened = false;
    const source = new EventSource(`/v1/events/stream${lastId ? `?after=${encodeURIComponent(lastId)}` : ''}`);
    source.addEventListener('open', () => {
      opened = true;
      tellMode('live');
    });
    source.addEventListener('message', (message) => {
      try {
        tell({ ...JSON.parse(message.data), id: message.lastEventId });
      } catch (error) {
        console.error(error);
      }
    });
    // The browser would connect again by itself, but not after an answer that is no stream, and not after so many: we count.
    source.addEventListener('error', () => {
      source.close();
      resolve(opened);
    });
  });
}

async function pollOnce() {
  if (!lastId) {
    const newest = await get('/v1/events', { limit: 1 });
    lastId = newest.data[0]?.id || '';
    return;
  }
  const page = await get('/v1/events', { before: lastId, limit: 100 });
  for (const event of page.data.reverse()) tell(event);
}

async function poll() {
  const until = Date.now() + STREAM_AGAIN_MILLISECONDS;
  while (Date.now() < until) {
    try {
      await pollOnce();
      tellMode('polling');
    } catch {
      tellMode(isOnline() ? 'polling' : 'offline');
    }
    await pause(POLL_MILLISECONDS);
  }
}

async function lead() {
  isLeader = true;
  let failures = 0;
  for (;;) {
    const opened = await listen();
    failures = opened ? 1 : failures + 1;
    if (failures >= FAILURES_BEFORE_POLLING) {
      await poll();
      failures = FAILURES_BEFORE_POLLING - 1;
    } else {
      await pause(RETRY_MILLISECONDS);
    }
  }
}

/** Begins; each tab once. */
export function startLive() {
  channel.addEventListener('message', ({ data }) => {
    if (data.event) deliver(data.event);
    if (data.lastId) lastId = data.lastId;
    if (data.mode) setMode(data.mode);
    if (data.hello && isLeader) channel.postMessage({ mode, lastId });
  });
  channel.postMessage({ hello: true });
  // The lock is held until the tab goes; in a browser without locks each tab listens for itself.
  if (navigator.locks) navigator.locks.request('postern-live', lead);
  else lead();
}
