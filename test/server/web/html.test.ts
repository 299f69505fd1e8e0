import assert from 'node:assert/strict';
import { formatHtml, html, joined } from '../../../server/web/html.ts';
import { describe, test } from '../../support/test.ts';

const HOSTILE = `<script>alert("1")</script> & 'quotes'`;

describe('templates of markup', () => {
  test('text is escaped in content and in attributes', () => {
    assert.equal(
      formatHtml(html`<a title="${HOSTILE}">${HOSTILE}</a>`),
      '<a title="&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;quotes&#39;">' +
        '&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;quotes&#39;</a>',
    );
  });

  test('markup inside markup is not escaped again, alone and in lists', () => {
    const item = html`<i>${'<'}</i>`;
    assert.equal(formatHtml(html`<b>${[item, [item]]}</b>`), '<b><i>&#60;</i><i>&#60;</i></b>');
  });

  test('null, undefined and false are nothing, zero is a figure', () => {
    assert.equal(formatHtml(html`[${null}${undefined}${false}${0}]`), '[0]');
  });

  test('parsed JSON cannot pretend to be markup', () => {
    const pretender = JSON.parse('{"markup":"<b>","Symbol(markup)":"<b>"}') as never;
    assert.equal(formatHtml(html`[${pretender}]`).includes('<b>'), false);
  });

  test('an exclamation mark before a value does not switch escaping off', () => {
    assert.equal(formatHtml(html`Look!${'<b>'}`), 'Look!&#60;b&#62;');
  });

  test('controls of writing direction become visible', () => {
    assert.equal(formatHtml(html`${'a\u202Eb\u2066c'}`), 'a\uFFFDb\uFFFDc');
  });

  test('pieces are joined without gaps for those that are nothing', () => {
    assert.equal(formatHtml(joined(['a', null, html`<b>b</b>`, false, ''], ', ')), 'a, <b>b</b>');
  });
});
