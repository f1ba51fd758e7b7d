import { expect, test } from "bun:test"
import { plainPrincipal } from "../../../src/security/identity.ts"
import { mostRemembered, RememberedAnswers } from "../../../src/security/authentication/remembered-answers.ts"
import { TurnedClock } from "../../support/turned-clock.ts"

test("an answer is good for its time, and no longer than what it says by the wall", () => {
  const clock = new TurnedClock()
  const answers = new RememberedAnswers(60, clock)
  const ann = { ...plainPrincipal("ann"), expiresAtMs: clock.wall() + 3_600_000 }
  answers.add("question", ann)
  clock.putForward(-86_400_000)
  clock.advance(59_000)
  expect(answers.to("question")).toBe(ann)
  clock.advance(1_000)
  expect(answers.to("question")).toBeUndefined()
  answers.add("question", ann)
  clock.putForward(2 * 86_400_000)
  expect(answers.to("question")).toBeUndefined()
})

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
