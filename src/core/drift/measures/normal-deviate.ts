/**
 * The deviate of a normal distribution that is about as rare as one of Student's t (Wallace 1959; within 4 % from two
 * degrees of freedom on).
 * @param freedom degrees of freedom, > 0
 */
export function normalDeviate(student: number, freedom: number): number {
  const size = Math.sqrt(freedom * Math.log1p(student ** 2 / freedom));
  return (Math.sign(student) * size * (8 * freedom + 1)) / (8 * freedom + 3);
}
