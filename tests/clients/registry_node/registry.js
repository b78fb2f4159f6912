// KafkaJS's registry client, unchanged: node registry.js URL. Prints one line per wrong answer; exit 1 if any.
'use strict'
const assert = require('assert')
const { SchemaRegistry, SchemaType, COMPATIBILITY } = require('@kafkajs/confluent-schema-registry')

const registry = () => new SchemaRegistry({ host: process.argv[2], retry: { retries: 0 } })
const record = (...fields) =>
  JSON.stringify({ type: 'record', name: 'Visit', namespace: 'shop', fields })
const page = { name: 'page', type: 'string' }
const millis = { name: 'millis', type: 'long', default: 0 }
const who = { name: 'who', type: 'string' }

const checks = {
  async 'an Avro event comes back, also to a client that never saw its schema'() {
    const writer = registry()
    const { id } = await writer.register({ type: SchemaType.AVRO, schema: record(page) }, { subject: 'visits-value' })
    const bytes = await writer.encode(id, { page: '/cart' })
    assert.strictEqual(bytes[0], 0)
    assert.strictEqual(bytes.readInt32BE(1), id)
    assert.strictEqual((await registry().decode(bytes)).page, '/cart')
  },
  async 'registering again gives the same id'() {
    const schema = { type: SchemaType.AVRO, schema: record(page) }
    const { id } = await registry().register(schema, { subject: 'visits-value' })
    assert.strictEqual(await registry().getRegistryIdBySchema('visits-value', schema), id)
    assert.strictEqual(await registry().getRegistryId('visits-value', 1), id)
  },
  async 'a compatible schema becomes the latest'() {
    const { id } = await registry().register(
      { type: SchemaType.AVRO, schema: record(page, millis) }, { subject: 'visits-value' })
    assert.strictEqual(await registry().getLatestSchemaId('visits-value'), id)
  },
  async 'an incompatible one is refused, and the path is named'() {
    await assert.rejects(
      registry().register({ type: SchemaType.AVRO, schema: record(page, who) }, { subject: 'visits-value' }),
      error => error.status === 409 && /Visit\.who/.test(error.message))
  },
  async 'the level of a first registration is kept'() {
    const schema = { type: SchemaType.AVRO, schema: record(page) }
    await registry().register(schema, { subject: 'strict-value', compatibility: COMPATIBILITY.FULL })
    await assert.rejects(
      registry().register(schema, { subject: 'strict-value', compatibility: COMPATIBILITY.NONE }),
      /Compatibility does not match/)
  },
  async 'a schema that names types of another subject'() {
    const writer = registry()
    await writer.register(
      { type: SchemaType.AVRO, schema: JSON.stringify({ type: 'enum', name: 'shop.Device', symbols: ['PHONE', 'DESK'] }) },
      { subject: 'device' })
    const { id } = await writer.register({
      type: SchemaType.AVRO,
      schema: JSON.stringify({ type: 'record', name: 'shop.Session', fields: [{ name: 'on', type: 'shop.Device' }] }),
      references: [{ name: 'shop.Device', subject: 'device', version: 1 }]
    }, { subject: 'session' })
    const bytes = await writer.encode(id, { on: 'DESK' })
    assert.strictEqual((await registry().decode(bytes)).on, 'DESK')
  },
  async 'JSON Schema'() {
    const writer = registry()
    const schema = JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] })
    const { id } = await writer.register({ type: SchemaType.JSON, schema }, { subject: 'json-value' })
    assert.deepStrictEqual(await registry().decode(await writer.encode(id, { n: 3 })), { n: 3 })
  },
  async 'Protobuf'() {
    const writer = registry()
    const schema = 'syntax = "proto3"; package shop; message Ping { int32 n = 1; }'
    const { id } = await writer.register({ type: SchemaType.PROTOBUF, schema }, { subject: 'proto-value' })
    assert.strictEqual((await registry().decode(await writer.encode(id, { n: 3 }))).n, 3)
  },
  async 'an unknown id is an error'() {
    await assert.rejects(registry().getSchema(4711), error => error.status === 404)
  }
}

async function main () {
  let wrong = 0
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
    } catch (error) {
      wrong += 1
      console.log(`WRONG ${name}: ${error.message}`)
    }
  }
  console.log(`${Object.keys(checks).length} checks with KafkaJS's registry client, ${wrong} wrong`)
  process.exit(wrong === 0 ? 0 : 1)
}
main()
