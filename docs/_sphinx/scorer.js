// What the search shows first: a setting, an error or a command whose whole name was asked for, then a page's title, then text.
var Scorer = {
  score: ([page, title, anchor, about, score, file, kind]) => {
    // Asked for are two words, "RFC" and its number, of which none is the whole name.
    const isSpecification = kind === "object" && /^RFC \d+$/.test(title);
    return isSpecification ? score + 100 : score;
  },
  objNameMatch: 100,
  objPartialMatch: 3,
  objPrio: { 0: 5, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
