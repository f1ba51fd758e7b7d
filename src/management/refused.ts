/** What is asked for cannot be done, for a reason that whoever asks can do something about. */
export class Refused extends Error {
  /** Of HTTP: 400 for what is asked wrongly, 404 for what is not there, 409 for a limit, 503 while nothing is stored. */
  readonly status: 400 | 404 | 409 | 503

  constructor(status: 400 | 404 | 409 | 503, sentence: string) {
    super(sentence)
    this.name = "Refused"
    this.status = status
  }
}
