// client.js - Bull and bull-board as clients of chat2order's queues, driven line by line.
//
// Each line of standard input is {"id": n, "do": "verb", ...}; each answer a line {"id": n, "value": ...} or
// {"id": n, "error": "..."}. Global events of the queues come as {"event": name, "queue": q, "args": [...]}.
'use strict';

const readline = require('node:readline');
const Bull = require('bull');

const redis = JSON.parse(process.argv[2]);
const queues = {};

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

function queue(name) {
  if (!queues[name]) {
    queues[name] = new Bull(name, { redis });
    queues[name].on('error', (error) => say({ event: 'error', queue: name, args: [error.message] }));
  }
  return queues[name];
}

function plain(job) {
  return job && {
    id: job.id, data: job.data, attemptsMade: job.attemptsMade, failedReason: job.failedReason,
    finishedOn: job.finishedOn, returnvalue: job.returnvalue, delay: job.opts.delay,
  };
}

async function jobOf(request) {
  const job = await queue(request.queue).getJob(request.job);
  if (!job) throw new Error(`no job ${request.job}`);
  return job;
}

async function board() {
  const express = require('express');
  const { createBullBoard } = require('@bull-board/api');
  const { BullAdapter } = require('@bull-board/api/bullAdapter');
  const { ExpressAdapter } = require('@bull-board/express');
  const server = new ExpressAdapter();
  createBullBoard({ queues: [new BullAdapter(queue('messages')), new BullAdapter(queue('outbox'))], serverAdapter: server });
  const app = express();
  app.use(server.getRouter());
  return new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening.address().port));
  });
}

const verbs = {
  add: async (r) => plain(await queue(r.queue).add(r.data, r.options || {})),
  counts: (r) => queue(r.queue).getJobCounts(),
  list: async (r) => (await queue(r.queue).getJobs([r.state], 0, r.most || 100, true)).map(plain),
  job: async (r) => plain(await queue(r.queue).getJob(r.job)),
  state: async (r) => (await jobOf(r)).getState(),
  finished: async (r) => (await jobOf(r)).finished(),
  retry: async (r) => { await (await jobOf(r)).retry(); },
  promote: async (r) => { await (await jobOf(r)).promote(); },
  remove: async (r) => { await (await jobOf(r)).remove(); },
  update: async (r) => { await (await jobOf(r)).update(r.data); },
  fail: async (r) => { await (await jobOf(r)).moveToFailed({ message: r.reason }, true); },
  pause: (r) => queue(r.queue).pause(),
  resume: (r) => queue(r.queue).resume(),
  clean: async (r) => (await queue(r.queue).clean(r.grace || 0, r.state)).length,
  empty: (r) => queue(r.queue).empty(),
  workers: async (r) => (await queue(r.queue).getWorkers()).length,
  listen: async (r) => {
    for (const name of ['waiting', 'active', 'completed', 'failed', 'stalled'])
      queue(r.queue).on(`global:${name}`, (...args) => say({ event: name, queue: r.queue, args }));
    await queue(r.queue).isReady();
  },
  work: async (r) => { queue(r.queue).process(1, async () => 'a Bull worker did it').catch(() => {}); },
  board,
};

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const request = JSON.parse(line);
  try {
    say({ id: request.id, value: (await verbs[request.do](request)) ?? null });
  } catch (error) {
    say({ id: request.id, error: String(error.message || error) });
  }
}).on('close', () => process.exit(0));
