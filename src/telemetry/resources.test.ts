import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { resourcesFrom } from './resources.ts';

const OPTIONS = {
  serviceName: 'robustmq',
  serviceVersion: '0.1.0',
  serviceInstanceId: 'one',
  deploymentEnvironment: 'production',
};

describe('resources', () => {
  afterEach(() => {
    delete process.env.OTEL_RESOURCE_ATTRIBUTES;
  });

  it('make each role a service of its own, with both names of the deployment environment', () => {
    const { broker, placement, journal } = resourcesFrom(OPTIONS, {});
    assert.deepEqual(broker.attributes, {
      'service.name': 'robustmq-broker',
      'service.namespace': 'robustmq',
      'service.version': '0.1.0',
      'service.instance.id': 'one',
      'deployment.environment': 'production',
      'deployment.environment.name': 'production',
    });
    assert.equal(placement.attributes['service.name'], 'robustmq-placement');
    assert.equal(journal.attributes['service.name'], 'robustmq-journal');
  });

  it('take OTEL_SERVICE_NAME as the prefix', () => {
    const { journal } = resourcesFrom(OPTIONS, { OTEL_SERVICE_NAME: 'factory' });
    assert.equal(journal.attributes['service.name'], 'factory-journal');
  });

  it('take OTEL_RESOURCE_ATTRIBUTES over the configuration', () => {
    process.env.OTEL_RESOURCE_ATTRIBUTES =
      'deployment.environment.name=staging,service.name=plant,k8s.pod.name=pod%201';
    const { broker } = resourcesFrom(OPTIONS, {});
    assert.equal(broker.attributes['service.name'], 'plant-broker');
    assert.equal(broker.attributes['deployment.environment'], 'staging');
    assert.equal(broker.attributes['deployment.environment.name'], 'staging');
    assert.equal(broker.attributes['k8s.pod.name'], 'pod 1');
  });
});
