// Shows the closure in the product's own pages: <script src="https://PORTAL/banner.js" data-lang="en" defer></script>
(function () {
  'use strict'
  var script = document.currentScript
  if (!script) return
  var lang = script.dataset.lang || document.documentElement.lang || ''
  var address = new URL('banner.json', script.src)
  if (lang) address.searchParams.set('lang', lang)
  fetch(address, { credentials: 'omit' }).then(function (answer) { return answer.json() }).then(function (b) {
    var key = 'offramp-banner'
    try { if (!b.show || localStorage.getItem(key) === b.id) return } catch (e) { if (!b.show) return }
    var box = document.createElement('div')
    box.id = key
    box.lang = b.lang
    box.setAttribute('role', 'region')
    box.setAttribute('aria-label', b.title)
    box.style.cssText = 'padding:12px 16px;background:#fdf0d5;color:#3d2c00;border-bottom:1px solid #7a5200;font:16px/1.5 system-ui,sans-serif'
    var title = document.createElement('strong')
    title.textContent = b.title
    var link = document.createElement('a')
    link.href = b.link.href
    link.textContent = b.link.text
    link.style.cssText = 'color:#3d2c00;text-decoration:underline'
    var hide = document.createElement('button')
    hide.type = 'button'
    hide.textContent = b.hide
    hide.style.cssText = 'margin-left:16px;padding:4px 12px;background:none;color:inherit;border:1px solid;border-radius:4px;font:inherit;cursor:pointer'
    hide.onclick = function () {
      try { localStorage.setItem(key, b.id) } catch (e) { /* it comes back with the next page */ }
      box.remove()
    }
    box.append(title, ' ' + b.text + ' ', link, hide)
    document.body.prepend(box)
  }).catch(function () { /* the product works without it */ })
})()
