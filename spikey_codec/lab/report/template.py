"""The head of the page: it needs nothing else, and asks a browser for nothing."""

from __future__ import annotations

# The policy makes sure that a browser asks for nothing, whatever a file is called.
HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Analysis of recordings</title>
<style>
*{box-sizing:border-box}
body{margin:0 auto;padding:0 1rem 3rem;max-width:66rem;color:#1d2b3a;background:#fff;
 font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:1.5rem 0 .3rem}
h2{font-size:1.25rem;margin:2.5rem 0 .3rem;padding-top:.6rem;border-top:1px solid #c3cad3}
p,nav,li{max-width:44rem}
nav ol{padding-left:1.4rem;columns:16rem}
a{color:#2b5b8a}
.pictures{display:flex;flex-wrap:wrap;gap:1rem 1.5rem;margin:1rem 0}
figure{margin:0;flex:1 1 min(24rem,100%);max-width:32rem;min-width:0}
figure img{display:block;width:100%;height:auto}
figcaption,.note{font-size:.87rem;color:#566270}
.table{overflow:auto;max-height:26rem;width:fit-content;max-width:100%;
 margin:1rem 0;border:1px solid #dfe3e8}
table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:left;white-space:nowrap;border-bottom:1px solid #eef0f3}
th{position:sticky;top:0;background:#f4f6f8}
.n{text-align:right}
.wrap td:not(.n){white-space:normal;overflow-wrap:normal;min-width:5rem}
.wrap td:not(.n)+td:not(.n){min-width:11rem}
</style>
</head>
"""
