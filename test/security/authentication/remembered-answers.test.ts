import { expect, test } from "bun:test"
import { plainPrincipal } from "../../../src/security/identity.ts"
import { mostRemembered, RememberedAnswers } from "../../../src/security/authentication/remembered-answers.ts"
import { TurnedClock } from "../../support/turned-clock.ts"

test("of 10,001 answers the oldest is forgotten; one that was given again is no longer the oldest", () => {
  const answers = new RememberedAnswers(60, new TurnedClock())
  const ann = plainPrincipal("ann")
  for (let each = 0; each < mostRemembered; each++) answers.add(`question ${each}`, ann)
  answers.add("question 0", ann)
  answers.add("one more", ann)
  expect(answers.to("question 0")).toBe(ann)
  expect(answers.to("one more")).toBe(ann)
  expect(answers.to("question 1")).toBeUndefined()
  expect(answers.to("question 2")).toBe(ann)
})
