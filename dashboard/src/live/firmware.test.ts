/** The firmware that most gates have is the one to have. */
import { describe, expect, it } from 'vitest';
import { isOlder, usualFirmware } from './firmware';

describe('the usual firmware', () => {
  it('is the one that most gates have', () => {
    expect(usualFirmware(['1.4.2', '1.3.0', '1.4.2', null, ''])).toBe('1.4.2');
  });

  it('is the newer one where as many have either', () => {
    expect(usualFirmware(['1.9.0', '1.10.0'])).toBe('1.10.0');
  });

  it('is unknown where no gate says any', () => {
    expect(usualFirmware([null, ''])).toBeNull();
  });
});

describe('a firmware', () => {
  it.each([
    ['1.9.0', '1.10.0', true],
    ['1.10.0', '1.9.0', false],
    ['1.4.2', '1.4.2', false],
    ['', '1.4.2', false],
    [null, '1.4.2', false],
    ['1.4.2', null, false],
  ])('%s is older than %s: %s', (version, than, older) => {
    expect(isOlder(version, than)).toBe(older);
  });
});
